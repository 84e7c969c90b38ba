#include "extension/schedule.h"
#include "tests/unit/extension/schedule_fixture.h"

#include <doctest/doctest.h>

namespace postlude::extension {
using namespace std::chrono_literals;
using testing::ScheduleUnderTest;

using Lines = ScheduleUnderTest::Lines;
using Plan = ScheduleUnderTest::TaskPlan;

namespace {

constexpr auto kCall = Plan::Kind::call;

}  // namespace

TEST_CASE("a call that was under way over a freeze ends soon, or is made again without a count") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 60s);
  plan.accept({.number = 1, .kind = kCall});
  plan.close(1);
  CHECK(plan.thaw(3s).empty());
  CHECK(plan.due_in() == kTrustAfterThaw);
  CHECK(plan.pass(kTrustAfterThaw) == Lines{"stop 1 within 200"});
  CHECK(plan.stopped(1) == Lines{"note 1-0-1-q", "start 1"});
  CHECK(plan.due_in() == 30s);
  CHECK(plan.success(1) == Lines{"end 1", "receipt r1: a done", "release r1/1 carrying 0"});
  CHECK(plan.receipts()[0].tasks[0].attempts == 1);
}

TEST_CASE("a call that ends with an answer after a freeze has ended as any other") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 60s);
  plan.accept({.number = 1, .kind = kCall});
  plan.accept({.number = 2, .name = "b", .kind = kCall});
  plan.close(1);
  plan.thaw(3s);
  CHECK(plan.success(1) == Lines{"end 1"});
  CHECK(plan.result(2, {AttemptResult::Kind::refused, "HTTP 404"}) ==
        Lines{"end 2", "receipt r1: a done b failed", "release r1/1 carrying 0"});
}

TEST_CASE("a connection that broke in a freeze uses up no attempt, three times at most") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 60s);
  plan.accept({.number = 1, .kind = kCall});
  plan.close(1);
  for (int cut = 1; cut <= kMostInterruptions; ++cut) {
    plan.thaw(3s);
    CHECK(plan.failure(1) == Lines{"note 1-0-" + std::to_string(cut) + "-q", "start 1"});
  }
  plan.thaw(3s);
  CHECK(plan.failure(1) == Lines{"end 1", "receipt r1: a expired", "release r1/1 carrying 0"});
  CHECK(plan.receipts()[0].tasks[0].why == "cut by a freeze 4 times");
  CHECK(plan.receipts()[0].tasks[0].attempts == 0);
}

TEST_CASE("commands and handlers were frozen with us and go on, and a spill has its time anyway") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 60s);
  plan.accept({.number = 1});
  plan.accept({.number = 2, .name = "b", .kind = Plan::Kind::handler});
  plan.accept({.number = 3, .name = "c", .dead_letter = Plan::DeadLetter::yes});
  plan.idle(1);
  CHECK(plan.failure(3) == Lines{"note 3-1-0-s", "spill 3: exit status 1"});
  CHECK(plan.due_in() == kMostSpillTime);
  CHECK(plan.thaw(3s).empty());
  CHECK(plan.due_in() == kMostSpillTime - 3s);
}

TEST_CASE("a call that gives up by itself at the work deadline was cut by it, not failed") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 10s);
  plan.accept({.number = 1, .kind = kCall});
  plan.close(1);
  CHECK(plan.thaw(11s) == Lines{"stop 1 within 1"});
  CHECK(plan.failure(1) ==
        Lines{"note 1-0-1-q", "receipt r1: a carried", "release r1/1 carrying 1"});
}

TEST_CASE("the time of its attempt or of its invocation ends a call sooner than a freeze does") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 60s);
  plan.accept({.number = 1, .timeout = 4s, .kind = kCall});
  plan.thaw(3s);
  CHECK(plan.due_in() == 1s);
  CHECK(plan.pass(1s) == Lines{"stop 1 within 200"});
  CHECK(plan.stopped(1) == Lines{"end 1"});
}

TEST_CASE("an attempt whose own time passed in a freeze uses up none, whatever it is") {
  for (const Plan::Kind kind : {Plan::Kind::command, Plan::Kind::handler, kCall}) {
    ScheduleUnderTest plan(4);
    plan.answer(1, 600s);
    plan.accept({.number = 1, .timeout = 4s, .kind = kind});
    plan.idle(1);
    CHECK(plan.thaw(4s) == Lines{"stop 1 within 200"});
    Lines again = plan.stopped(1);
    if (kind == Plan::Kind::handler) {
      const Lines started = plan.idle(1);  // only now the runtime is back
      again.insert(again.end(), started.begin(), started.end());
    }
    CHECK(again == Lines{"note 1-0-1-q", "start 1"});
    CHECK(plan.pass(4s) == Lines{"stop 1 within 200"});
    CHECK(plan.stopped(1) == Lines{"end 1"});
  }
  // One that ended in time has ended.
  ScheduleUnderTest plan(4);
  plan.answer(1, 600s);
  plan.accept({.number = 1, .timeout = 4s});
  plan.thaw(1h);
  CHECK(plan.success(1) == Lines{"end 1"});
}

TEST_CASE("after an hour's freeze all that is overdue is ended at once and nothing starts") {
  ScheduleUnderTest plan(2);
  plan.answer(1, 10s);
  plan.accept({.number = 1});
  plan.accept({.number = 2, .name = "b", .attempts = 2, .kind = kCall});
  plan.accept({.number = 3, .name = "c"});
  plan.close(1);
  // No grace is left: the deadline of the platform has passed.
  CHECK(plan.thaw(1h) == Lines{"stop 1 within 1", "stop 2 within 1"});
  CHECK(plan.stopped(2) == Lines{"note 2-0-1-q"});
  CHECK(plan.stopped(1) == Lines{"note 1-0-1-q",
                                 "receipt r1: a carried b carried c carried",
                                 "release r1/1 carrying 3"});
}

TEST_CASE("an attempt whose time a freeze took uses up no attempt, whatever it does") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 60s);
  plan.accept({.number = 1, .timeout = 5s});
  plan.accept({.number = 2, .name = "b", .timeout = 5s, .kind = kCall});
  plan.close(1);
  CHECK(plan.thaw(20s) == Lines{"stop 1 within 200", "stop 2 within 200"});
  CHECK(plan.stopped(1) == Lines{"note 1-0-1-q", "start 1"});
  CHECK(plan.stopped(2) == Lines{"note 2-0-1-q", "start 2"});
  CHECK(plan.pass(5s) == Lines{"stop 1 within 200", "stop 2 within 200"});
  CHECK(plan.stopped(1) == Lines{"end 1"});
  CHECK(plan.stopped(2) ==
        Lines{"end 2", "receipt r1: a failed b failed", "release r1/1 carrying 0"});
}

TEST_CASE("the later a machine comes to stop a command, the shorter is its grace") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 300ms);
  plan.accept({.number = 1});
  plan.close(1);
  CHECK(plan.pass(300ms + 100ms) == Lines{"stop 1 within 100"});
}

TEST_CASE("after a thaw no more tasks start at once than ever, however many were waiting") {
  constexpr int kConcurrency = 2;
  constexpr std::uint64_t kTasks = 8;
  ScheduleUnderTest plan(kConcurrency);
  plan.answer(1, 60s);
  for (std::uint64_t number = 1; number <= kTasks; ++number) {
    plan.accept({.number = number, .attempts = 3, .backoff = 2s, .kind = kCall});
  }
  for (std::uint64_t number = 1; number <= kTasks; ++number) {
    plan.failure(number, 0.9);
  }
  CHECK(plan.running().empty());
  CHECK(plan.thaw(3s) == Lines{"start 1", "start 2"});
  CHECK(plan.success(1) == Lines{"end 1", "start 3"});
}

}  // namespace postlude::extension
