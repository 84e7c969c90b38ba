#include "tests/unit/extension/schedule_fixture.h"

#include <doctest/doctest.h>

#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace postlude::extension {
using namespace std::chrono_literals;
using testing::ScheduleUnderTest;
using Plan = ScheduleUnderTest::TaskPlan;

namespace {

using Action = std::function<void(ScheduleUnderTest&)>;
struct Named {
  std::string name;
  Action act;
};

/// Each brings task 1 of invocation 1 into one state, from nothing.
std::vector<Named> states() {
  const auto accepted = [](ScheduleUnderTest& plan) {
    plan.answer(1, 5s);
    plan.accept({.number = 1, .attempts = 2, .timeout = 1s});
  };
  const auto carried = [](ScheduleUnderTest& plan) {
    plan.answer(1, 1ms);
    plan.pass(1ms);
    plan.accept({.number = 1, .attempts = 2, .timeout = 1s});
  };
  return {{"unknown", [](ScheduleUnderTest&) {}},
          {"queued",
           [](ScheduleUnderTest& plan) {
             plan.answer(1, 5s);
             plan.accept({.number = 0, .name = "first"});
             plan.accept({.number = 1, .attempts = 2, .timeout = 1s});
           }},
          {"running", accepted},
          {"stopping at its timeout",
           [=](ScheduleUnderTest& plan) {
             accepted(plan);
             plan.pass(1s);
           }},
          {"stopping at the deadline",
           [](ScheduleUnderTest& plan) {
             plan.answer(1, 500ms);
             plan.accept({.number = 1, .attempts = 2, .timeout = 1s});
             plan.pass(500ms);
           }},
          {"waiting",
           [=](ScheduleUnderTest& plan) {
             accepted(plan);
             plan.failure(1);
           }},
          {"carried", carried},
          {"carried, invocation released",
           [=](ScheduleUnderTest& plan) {
             carried(plan);
             plan.close(1);
           }},
          {"ended",
           [=](ScheduleUnderTest& plan) {
             accepted(plan);
             plan.success(1);
           }},
          {"ended, invocation released", [=](ScheduleUnderTest& plan) {
             accepted(plan);
             plan.success(1);
             plan.close(1);
           }}};
}

/// The same for tasks that are no plain ones.
std::vector<Named> special_states() {
  return {{"a handler task, queued",
           [](ScheduleUnderTest& plan) {
             plan.answer(1, 5s);
             plan.accept({.number = 1, .attempts = 2, .kind = Plan::Kind::handler});
           }},
          {"a handler task, running",
           [](ScheduleUnderTest& plan) {
             plan.answer(1, 5s);
             plan.accept({.number = 1, .attempts = 2, .kind = Plan::Kind::handler});
             plan.idle(1);
           }},
          {"running without an answer",
           [](ScheduleUnderTest& plan) {
             plan.accept({.number = 1, .start = Schedule::Start::at_once});
           }},
          {"running, with a dead letter",
           [](ScheduleUnderTest& plan) {
             plan.answer(1, 5s);
             plan.accept({.number = 1, .attempts = 2, .dead_letter = Plan::DeadLetter::yes});
           }},
          {"spilling", [](ScheduleUnderTest& plan) {
             plan.answer(1, 5s);
             plan.accept({.number = 1, .dead_letter = Plan::DeadLetter::yes});
             plan.failure(1);
           }}};
}

std::vector<Named> events() {
  using extension::AttemptResult;
  return {{"accepted", [](auto& plan) { plan.accept({.number = 1}); }},
          {"a later one accepted", [](auto& plan) { plan.accept({.number = 2, .name = "b"}); }},
          {"dropped", [](auto& plan) { plan.drop(1); }},
          {"answered", [](auto& plan) { plan.answer(1, 5s); }},
          {"next answered", [](auto& plan) { plan.answer(2, 5s); }},
          {"next answered without time", [](auto& plan) { plan.answer(2, 0s); }},
          {"closed", [](auto& plan) { plan.close(1, 5s); }},
          {"next closed", [](auto& plan) { plan.close(2, 5s); }},
          {"success", [](auto& plan) { plan.success(1); }},
          {"failure", [](auto& plan) { plan.failure(1); }},
          {"refusal",
           [](auto& plan) {
             plan.result(1, {AttemptResult::Kind::refused, "no"});
           }},
          {"stopped", [](auto& plan) { plan.stopped(1); }},
          {"a moment passes", [](auto& plan) { plan.pass(1ms); }},
          {"the backoff passes", [](auto& plan) { plan.pass(200ms); }},
          {"a freeze", [](auto& plan) { plan.pass(3600s); }},
          {"a freeze that is noticed", [](auto& plan) { plan.thaw(3s); }},
          {"idle", [](auto& plan) { plan.idle(1); }},
          {"next idle", [](auto& plan) { plan.idle(2); }},
          {"spilled", [](auto& plan) { plan.spilled(1); }},
          {"not spilled", [](auto& plan) { plan.spilled(1, "no"); }},
          {"shutdown", [](auto& plan) { plan.shut_down(); }}};
}

/// Brings everything to an end; nothing may be left over.
void wind_up(ScheduleUnderTest& plan, std::uint64_t invocation) {
  for (int round = 0; round < 100 && plan.schedule().accounting().held > 0; ++round) {
    plan.answer(invocation, 60s);
    plan.idle(invocation);
    while (!plan.running().empty() || !plan.spilling().empty()) {
      if (plan.running().empty()) {
        plan.spilled(*plan.spilling().begin());
      } else {
        plan.success(*plan.running().begin());
      }
      plan.idle(invocation);
    }
    plan.close(invocation, 60s);
    ++invocation;
    plan.pass(plan.due_in().value_or(1s));
  }
  CHECK(plan.schedule().accounting().held == 0);
  CHECK_FALSE(plan.due_in());
}

}  // namespace

// The fixture judges every step; here only the paths differ.
TEST_CASE("every event in every state, and any second event after it, keeps the books balanced") {
  for (const int concurrency : {1, 4}) {
    std::vector<Named> all = states();
    for (Named& special : special_states()) {
      all.push_back(std::move(special));
    }
    for (const Named& state : all) {
      for (const Named& first : events()) {
        for (const Named& second : events()) {
          CAPTURE(concurrency);
          CAPTURE(state.name);
          CAPTURE(first.name);
          CAPTURE(second.name);
          ScheduleUnderTest plan(concurrency);
          state.act(plan);
          first.act(plan);
          second.act(plan);
          wind_up(plan, 3);
        }
      }
    }
  }
}

namespace {

/// One random history; a step is one of the events below.
class History {
 public:
  explicit History(int seed)
      : random_(static_cast<std::minstd_rand::result_type>(seed + 1)),
        plan_(seed % 2 == 0 ? 1 : 3) {}

  void step() {
    const auto kind = pick(3);
    if (kind == 0) {
      invocation_event();
    } else if (kind == 1) {
      result();
    } else {
      accept();
    }
  }
  void wind_up_now() { wind_up(plan_, invocation_); }

 private:
  [[nodiscard]] std::minstd_rand::result_type pick(unsigned choices) {
    return random_() / 7 % choices;
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
         .kind = pick(3) == 0 ? Plan::Kind::handler : Plan::Kind::command,
         .dead_letter = pick(3) == 0 ? Plan::DeadLetter::yes : Plan::DeadLetter::no,
         .start = pick(5) == 0 ? Schedule::Start::at_once : Schedule::Start::after_answer});
  }

  std::minstd_rand random_;
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
    History history(seed);
    for (int step = 0; step < kLength; ++step) {
      history.step();
    }
    history.wind_up_now();
  }
}

}  // namespace postlude::extension
