#include "extension/spill_forecast.h"

#include <doctest/doctest.h>

namespace postlude::extension {
using namespace std::chrono_literals;

namespace {

constexpr EpochTime kStart = EpochTime(1'000'000s);

SpillForecast::Candidate candidate(const std::string& target, Millis at) {
  return {target, kStart + at, kStart + at + 900ms};
}

}  // namespace

TEST_CASE("spills are foreseen at their time, all of a target together, and once") {
  SpillForecast forecast;
  const std::vector candidates = {candidate("a", 10s), candidate("b", 10s), candidate("a", 10s)};
  CHECK(forecast.next(candidates) == kStart + 10s);
  CHECK(forecast.due(candidates, kStart + 9s).empty());
  CHECK(forecast.next(candidates) == kStart + 10s);
  const auto expected = forecast.due(candidates, kStart + 10s);
  REQUIRE(expected.size() == 2);
  CHECK(expected.at("a").spills == 2);
  CHECK(expected.at("a").deadline == kStart + 10900ms);
  CHECK(expected.at("b").spills == 1);
  CHECK_FALSE(forecast.next(candidates));
  CHECK(forecast.due(candidates, kStart + 11s).empty());
}

TEST_CASE("a later invocation is foreseen anew") {
  SpillForecast forecast;
  static_cast<void>(forecast.due({candidate("a", 10s)}, kStart + 10s));
  CHECK(forecast.next({candidate("a", 10s), candidate("a", 20s)}) == kStart + 20s);
  CHECK(forecast.due({candidate("a", 20s)}, kStart + 20s).at("a").spills == 1);
}

TEST_CASE("after a freeze over its end there is nothing to prepare") {
  SpillForecast forecast;
  CHECK(forecast.due({candidate("a", 10s)}, kStart + 1h).empty());
}

TEST_CASE("a clock that was put back brings the next forecast at its own time") {
  SpillForecast forecast;
  CHECK(forecast.due({candidate("a", 1h)}, kStart + 1h).at("a").spills == 1);
  static_cast<void>(forecast.due({}, kStart));
  CHECK(forecast.next({candidate("a", 10s)}) == kStart + 10s);
}

}  // namespace postlude::extension
