#include "extension/target_health.h"

#include <doctest/doctest.h>

namespace postlude::extension {
using namespace std::chrono_literals;

namespace {

using Verdict = TargetHealth::Verdict;

constexpr EpochTime kStart = EpochTime(1'000'000s);
const std::string kHost = "sqs.eu-west-1.amazonaws.com:443";

void fail_times(TargetHealth& health, int times, EpochTime at) {
  for (int count = 0; count < times; ++count) {
    CHECK(health.ask(kHost, at) == Verdict::call);
    health.failed(kHost, "503", at);
  }
}

}  // namespace

TEST_CASE("a host that failed three times in a row is left alone, and named") {
  TargetHealth health;
  fail_times(health, 3, kStart);
  CHECK(health.ask(kHost, kStart) == Verdict::leave);
  CHECK(health.describe(kHost) == "sqs.eu-west-1.amazonaws.com:443 failed 3 times in a row: 503");
  CHECK(health.ask("other:443", kStart) == Verdict::call);
}

TEST_CASE("an answer between failures begins the count anew") {
  TargetHealth health;
  fail_times(health, 2, kStart);
  health.answered(kHost);
  fail_times(health, 2, kStart);
  CHECK(health.ask(kHost, kStart) == Verdict::call);
}

TEST_CASE("a failing host gets one probe in thirty seconds until it answers") {
  TargetHealth health;
  fail_times(health, 3, kStart);
  CHECK(health.ask(kHost, kStart + kProbePause - 1ms) == Verdict::leave);
  CHECK(health.ask(kHost, kStart + kProbePause) == Verdict::call);
  // Its probe is under way.
  CHECK(health.ask(kHost, kStart + kProbePause) == Verdict::leave);
  health.failed(kHost, "503", kStart + kProbePause + 5s);
  CHECK(health.ask(kHost, kStart + kProbePause + 6s) == Verdict::leave);
  CHECK(health.ask(kHost, kStart + 2 * kProbePause) == Verdict::call);
  health.answered(kHost);
  CHECK(health.ask(kHost, kStart + 2 * kProbePause) == Verdict::call);
  CHECK(health.ask(kHost, kStart + 2 * kProbePause) == Verdict::call);
}

TEST_CASE("calls that began together and failed together count each") {
  TargetHealth health;
  for (int call = 0; call < 5; ++call) {
    CHECK(health.ask(kHost, kStart) == Verdict::call);
  }
  for (int call = 0; call < 5; ++call) {
    health.failed(kHost, "503", kStart + 1s);
  }
  CHECK(health.describe(kHost) == "sqs.eu-west-1.amazonaws.com:443 failed 5 times in a row: 503");
  CHECK(health.ask(kHost, kStart + kProbePause) == Verdict::leave);
  CHECK(health.ask(kHost, kStart + 1s + kProbePause) == Verdict::call);
}

TEST_CASE("a clock that is put back does not keep a host out for longer") {
  TargetHealth health;
  fail_times(health, 3, kStart);
  CHECK(health.ask(kHost, kStart - 1h) == Verdict::call);
  CHECK(health.ask(kHost, kStart - 1h) == Verdict::leave);
}

}  // namespace postlude::extension
