#include "tests/unit/extension/schedule_fixture.h"

#include <doctest/doctest.h>

#include <functional>
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

/// The same after a crash.
Named replayed_state(RecordMark mark, int attempts, Plan plan) {
  plan.attempts = 2;
  plan.interruptions = 1;
  return {std::string("replayed with the mark ") + static_cast<char>(mark),
          [=](ScheduleUnderTest& schedule) {
            schedule.leave(plan, attempts, mark);
            schedule.crash();
          }};
}

std::vector<Named> replayed_states() {
  std::vector<Named> states;
  for (const RecordMark mark :
       {RecordMark::done, RecordMark::failed, RecordMark::spilled, RecordMark::expired}) {
    states.push_back(replayed_state(mark, 1, {}));
  }
  states.push_back(replayed_state(RecordMark::spilling, 2, {.dead_letter = Plan::DeadLetter::yes}));
  for (const auto kind : {Plan::Kind::command, Plan::Kind::handler}) {
    for (const auto dead_letter : {Plan::DeadLetter::no, Plan::DeadLetter::yes}) {
      const Plan plan{.kind = kind, .dead_letter = dead_letter};
      states.push_back(replayed_state(RecordMark::waiting, 0, plan));
      states.push_back(replayed_state(RecordMark::running, 1, plan));
      Plan once = plan;
      once.replay = Plan::Replay::no;
      states.push_back(replayed_state(RecordMark::running, 1, once));
    }
  }
  return states;
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
          {"a crash", [](auto& plan) { plan.crash(); }},
          {"a crash after the next step", [](auto& plan) { plan.crash_after(1); }},
          {"shutdown", [](auto& plan) { plan.shut_down(); }}};
}

}  // namespace

// The fixture judges every step; here only the paths differ.
TEST_CASE("every event in every state, and any second event after it, keeps the books balanced") {
  for (const int concurrency : {1, 4}) {
    std::vector<Named> all = states();
    for (Named& special : special_states()) {
      all.push_back(std::move(special));
    }
    for (Named& replayed : replayed_states()) {
      all.push_back(std::move(replayed));
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
          plan.wind_up(3);
        }
      }
    }
  }
}

}  // namespace postlude::extension
