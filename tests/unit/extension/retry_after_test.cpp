#include "extension/retry_after.h"

#include <doctest/doctest.h>

namespace postlude::extension {
using namespace std::chrono_literals;

namespace {

/// Sun, 06 Nov 1994 08:49:37 GMT, RFC 9110's own example.
const EpochTime kExample = from_epoch_ms(784'111'777'000);

}  // namespace

TEST_CASE("Retry-After in seconds") {
  CHECK(parse_retry_after("0", kExample) == 0ms);
  CHECK(parse_retry_after("2", kExample) == 2s);
  CHECK(parse_retry_after(" 120\t", kExample) == 120s);
}

TEST_CASE("Retry-After as a date, in each of the three forms") {
  for (const char* date : {"Sun, 06 Nov 1994 08:49:37 GMT",
                           "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov  6 08:49:37 1994"}) {
    CAPTURE(date);
    CHECK(parse_retry_after(date, kExample - 30s) == 30s);
  }
}

TEST_CASE("a date that has passed means at once") {
  CHECK(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", kExample + 1h) == 0ms);
}

TEST_CASE("absurd waits are cut to the limit") {
  CHECK(parse_retry_after("3601", kExample) == kMostRetryAfter);
  CHECK(parse_retry_after("99999999999999999999999999", kExample) == kMostRetryAfter);
  CHECK(parse_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", kExample) == kMostRetryAfter);
}

TEST_CASE("what is neither seconds nor a date is no wait") {
  for (const char* value : {"",
                            " ",
                            "-1",
                            "1.5",
                            "soon",
                            "10s",
                            "1e3",
                            "+5",
                            "0x10",
                            "Sun, 06 Nov 1994 08:49:37 CET",
                            "1994-11-06T08:49:37Z"}) {
    CAPTURE(value);
    CHECK_FALSE(parse_retry_after(value, kExample));
  }
}

}  // namespace postlude::extension
