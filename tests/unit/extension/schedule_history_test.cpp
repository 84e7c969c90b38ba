#include "tests/unit/extension/schedule_fixture.h"

#include <doctest/doctest.h>

#include <random>

namespace postlude::extension {
using testing::ScheduleUnderTest;
using Plan = ScheduleUnderTest::TaskPlan;

namespace {

/// One random history; a step is one of the events below.
class History {
 public:
  enum class Crashes { none, many };
  History(int seed, Crashes crashes)
      : random_(static_cast<std::minstd_rand::result_type>(seed + 1)),
        crashes_(crashes),
        plan_(seed % 2 == 0 ? 1 : 3) {}

  void step() {
    if (crashes_ == Crashes::many && pick(8) == 0) {
      crash();
    }
    const auto kind = pick(3);
    if (kind == 0) {
      invocation_event();
    } else if (kind == 1) {
      result();
    } else {
      accept();
    }
  }
  void wind_up_now() { plan_.wind_up(invocation_); }

 private:
  [[nodiscard]] std::minstd_rand::result_type pick(unsigned choices) {
    return random_() / 7 % choices;
  }

  /// At rest, or in the middle of what is done about the next event.
  void crash() {
    if (pick(2) == 0) {
      plan_.crash();
    } else {
      plan_.crash_after(pick(5));
    }
  }

  void invocation_event() {
    switch (pick(4)) {
      case 0:
        plan_.answer(invocation_, Millis(pick(5000)));
        break;
      case 1:
        plan_.close(invocation_++, Millis(pick(5000)));
        break;
      case 2:
        plan_.idle(invocation_);
        break;
      default:
        plan_.pass(Millis(pick(1500)));
    }
  }

  void result() {
    const std::uint64_t running = plan_.running().empty() ? 0 : *plan_.running().rbegin();
    const std::uint64_t spilling = plan_.spilling().empty() ? 0 : *plan_.spilling().begin();
    switch (pick(5)) {
      case 0:
        plan_.success(running);
        break;
      case 1:
        plan_.failure(running, 0.7);
        break;
      case 2:
        plan_.stopped(running);
        break;
      case 3:
        plan_.spilled(spilling, pick(2) == 0 ? "" : "no");
        break;
      default:
        plan_.result(running, {AttemptResult::Kind::failed, "429", Millis(pick(3000))});
    }
  }

  void accept() {
    plan_.accept(
        {.number = number_++,
         .invocation = invocation_,
         .attempts = static_cast<int>(1 + pick(3)),
         .timeout = Millis(1 + pick(2000)),
         .backoff = Millis(pick(4000)),
         .replay = pick(4) == 0 ? Plan::Replay::no : Plan::Replay::yes,
         .kind = pick(3) == 0 ? Plan::Kind::handler : Plan::Kind::command,
         .dead_letter = pick(3) == 0 ? Plan::DeadLetter::yes : Plan::DeadLetter::no,
         .start = pick(5) == 0 ? Schedule::Start::at_once : Schedule::Start::after_answer});
  }

  std::minstd_rand random_;
  Crashes crashes_;
  ScheduleUnderTest plan_;
  std::uint64_t invocation_ = 1;
  std::uint64_t number_ = 1;
};

}  // namespace

TEST_CASE("long random histories keep the books balanced and end empty") {
  constexpr int kHistories = 300;
  constexpr int kLength = 80;
  for (int seed = 0; seed < kHistories; ++seed) {
    CAPTURE(seed);
    History history(seed, History::Crashes::none);
    for (int step = 0; step < kLength; ++step) {
      history.step();
    }
    history.wind_up_now();
  }
}

TEST_CASE("whenever the process crashes, no task is lost, and none runs or is told too often") {
  constexpr int kHistories = 600;
  constexpr int kLength = 80;
  for (int seed = 0; seed < kHistories; ++seed) {
    CAPTURE(seed);
    History history(seed, History::Crashes::many);
    for (int step = 0; step < kLength; ++step) {
      history.step();
    }
    history.wind_up_now();
  }
}

}  // namespace postlude::extension
