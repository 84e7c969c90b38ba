#include "common/durations.h"

#include <doctest/doctest.h>

#include <chrono>

namespace postlude {
namespace {

TEST_CASE("durations are whole milliseconds, seconds or minutes") {
  CHECK(parse_duration("250ms") == Millis(250));
  CHECK(parse_duration("10s") == std::chrono::seconds(10));
  CHECK(parse_duration("2m") == std::chrono::minutes(2));
}

TEST_CASE("durations reach from 1 ms to 15 min") {
  CHECK(parse_duration("1ms") == Millis(1));
  CHECK(parse_duration("900000ms") == std::chrono::minutes(15));
  CHECK(parse_duration("900s") == std::chrono::minutes(15));
  CHECK(parse_duration("15m") == std::chrono::minutes(15));
  for (const auto* text : {"0ms", "0s", "900001ms", "901s", "16m"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text));
  }
}

TEST_CASE("anything else is no duration") {
  for (const auto* text : {"",
                           "s",
                           "10",
                           "10 s",
                           " 10s",
                           "10s ",
                           "10S",
                           "1h",
                           "1.5s",
                           "-1s",
                           "+1s",
                           "1e3ms",
                           "0x1s",
                           "1m30s",
                           "18446744073709551617ms",
                           "18446744073709551615m",
                           "307445734561825861m"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text));
  }
}

TEST_CASE("sizes are whole KiB, MiB or GiB") {
  CHECK(parse_size("512KiB") == 512U * 1024U);
  CHECK(parse_size("64MiB") == 64U * 1024U * 1024U);
  CHECK(parse_size("1GiB") == 1024U * 1024U * 1024U);
}

TEST_CASE("anything else is no size") {
  for (const auto* text : {"",
                           "64",
                           "64MB",
                           "64mib",
                           "64M",
                           "0KiB",
                           "-1KiB",
                           "1.5MiB",
                           "64 MiB",
                           "MiB",
                           "18446744073709551615GiB",
                           "99999999999999999999KiB"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_size(text));
  }
}

}  // namespace
}  // namespace postlude
