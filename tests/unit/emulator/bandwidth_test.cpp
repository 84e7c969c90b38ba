#include "tests/emulator/bandwidth.h"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using postlude::emulator::Bandwidth;

namespace {

constexpr std::size_t kMebibyte = std::size_t{1} << 20;
const Bandwidth::Clock::time_point kStart{};

}  // namespace

TEST_CASE("six mebibytes pass at once, then nothing until the next refill") {
  Bandwidth meter(kStart);
  CHECK(meter.take(4 * kMebibyte, kStart) == 4 * kMebibyte);
  CHECK(meter.take(4 * kMebibyte, kStart) == 2 * kMebibyte);
  CHECK(meter.take(1, kStart + 124ms) == 0);
  CHECK(meter.take(kMebibyte, kStart + 125ms) == kMebibyte / 4);
  CHECK(meter.take(1, kStart + 249ms) == 0);
}

TEST_CASE("two mebibytes pass in each second, however late it is asked") {
  Bandwidth meter(kStart);
  CHECK(meter.take(100 * kMebibyte, kStart) == 6 * kMebibyte);
  CHECK(meter.take(100 * kMebibyte, kStart + 1s) == 2 * kMebibyte);
  CHECK(meter.take(100 * kMebibyte, kStart + 1060ms) == 0);
  CHECK(meter.take(100 * kMebibyte, kStart + 1125ms) == kMebibyte / 4);
}

TEST_CASE("what was not used adds up to the first burst and no more") {
  Bandwidth meter(kStart);
  CHECK(meter.take(100 * kMebibyte, kStart) == 6 * kMebibyte);
  CHECK(meter.take(100 * kMebibyte, kStart + 1h) == 6 * kMebibyte);
}
