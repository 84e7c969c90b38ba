#include "tests/unit/extension/schedule_fixture.h"

#include <doctest/doctest.h>

namespace postlude::extension {
using namespace std::chrono_literals;
using testing::ScheduleUnderTest;

using Lines = ScheduleUnderTest::Lines;
using Plan = ScheduleUnderTest::TaskPlan;

namespace {

constexpr auto kWithDeadLetter = Plan::DeadLetter::yes;

}  // namespace

TEST_CASE("attempts used up: the dead letter gets the task, and the invocation waits for it") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 10s);
  plan.accept({.number = 1, .dead_letter = kWithDeadLetter});
  plan.close(1);
  CHECK(plan.failure(1) == Lines{"note 1-1-0-s", "spill 1: exit status 1"});
  CHECK(plan.spilled(1) == Lines{"end 1", "receipt r1: a spilled", "release r1/1 carrying 0"});
  CHECK(plan.receipts()[0].tasks[0].why == "exit status 1");
  CHECK(plan.receipts()[0].tasks[0].attempts == 1);
  CHECK(plan.schedule().accounting().spilled == 1);
}

TEST_CASE("a failed spill is carried, and tried again with the next invocation, not the task") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 10s);
  plan.accept({.number = 1, .dead_letter = kWithDeadLetter});
  plan.close(1);
  plan.failure(1);
  CHECK(plan.spilled(1, "sqs: 400 AccessDenied") ==
        Lines{"receipt r1: a carried", "release r1/1 carrying 1"});
  CHECK(plan.receipts()[0].tasks[0].why == "dead letter: sqs: 400 AccessDenied");
  CHECK(plan.answer(2, 10s) == Lines{"spill 1: exit status 1"});
  plan.close(2);
  CHECK(plan.spilled(1) == Lines{"end 1", "receipt r2: a spilled", "release r2/2 carrying 0"});
}

TEST_CASE("work that does not fit is spilled in the margin, and runs later if that fails") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 300ms);
  plan.accept({.number = 1, .dead_letter = kWithDeadLetter});
  plan.close(1);
  // A fifth of the margin is left to the attempt, so that the dead letter has time.
  CHECK(plan.pass(300ms) == Lines{"stop 1 within 100"});
  plan.pass(50ms);
  CHECK(plan.stopped(1) == Lines{"note 1-0-1-q", "spill 1: cut by the deadline"});
  CHECK(plan.spilled(1, "no") == Lines{"receipt r1: a carried", "release r1/1 carrying 1"});
  CHECK(plan.answer(2, 10s) == Lines{"start 1"});
}

TEST_CASE("a dead letter that does not answer is given up before the deadline") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 300ms);
  plan.accept({.number = 1, .dead_letter = kWithDeadLetter});
  plan.close(1);
  CHECK(plan.failure(1) == Lines{"note 1-1-0-s", "spill 1: exit status 1"});
  CHECK(plan.due_in() == 300ms + 375ms);
  CHECK(plan.pass(675ms) ==
        Lines{"stop 1 within 0", "receipt r1: a carried", "release r1/1 carrying 1"});
  CHECK(plan.receipts()[0].tasks[0].why == "dead letter: it did not answer in time");
}

TEST_CASE("a hold limit leaves a dead letter no more time than the margin") {
  Schedule schedule(4, 200ms);
  ScheduleUnderTest clock(4);  // for its time and keys only
  TaskRecord record;
  record.key = ScheduleUnderTest::key(1);
  record.deadline = clock.now() + 60s;
  record.work_deadline = clock.now() + 1s;
  record.task.dead_letter = "arn:aws:sqs:eu-west-1:123456789012:dead";
  CHECK(schedule.answered({record.key, record.work_deadline}, clock.now()).empty());
  CHECK(schedule.accepted({1, 0, 0}, record, clock.now()).size() == 1);
  const Steps steps =
      schedule.attempt_ended(1, {AttemptResult::Kind::refused, "no"}, clock.now() + 900ms, 0.5);
  REQUIRE(steps.size() == 2);
  CHECK(std::get<SpillTask>(steps[1]).until == clock.now() + 1150ms);
}

TEST_CASE("a wait that is too long to be held goes to the dead letter at once") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 60s);
  plan.accept({.number = 1, .attempts = 3, .dead_letter = kWithDeadLetter});
  const AttemptResult busy{AttemptResult::Kind::failed, "HTTP 429", 30s};
  CHECK(plan.result(1, busy) == Lines{"note 1-1-0-q", "spill 1: HTTP 429"});
}

TEST_CASE("the environment ends: what is held is spilled together, and the rest expires") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 60s);
  plan.accept({.number = 1, .name = "runs", .dead_letter = kWithDeadLetter});
  plan.accept({.number = 2, .name = "none"});
  plan.accept({.number = 3, .name = "lost", .dead_letter = kWithDeadLetter});
  CHECK(plan.shut_down() == Lines{"stop 1 within 0",
                                  "stop 3 within 0",
                                  "end 2 at once",
                                  "note 1-0-1-q",
                                  "note 3-0-1-q",
                                  "spill 1: the environment ended",
                                  "spill 3: the environment ended"});
  CHECK_FALSE(plan.schedule().over());
  CHECK(plan.spilled(1) == Lines{"end 1"});
  CHECK(plan.spilled(3, "sns: 500") == Lines{"end 3",
                                             "receipt r1: runs spilled none expired lost "
                                             "expired"});
  CHECK(plan.receipts()[0].tasks[2].why == "dead letter: sns: 500");
  CHECK(plan.schedule().over());
}

TEST_CASE("at the end of the environment nobody waits longer than the budget") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 60s);
  plan.accept({.number = 1, .dead_letter = kWithDeadLetter});
  plan.failure(1);
  plan.shut_down();
  CHECK(plan.due_in() == 400ms);
  CHECK(plan.pass(400ms) == Lines{"stop 1 within 0", "end 1", "receipt r1: a failed"});
  CHECK(plan.schedule().over());
}

TEST_CASE("Retry-After lengthens the wait, and is kept by a carried task") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 60s);
  plan.accept({.number = 1, .attempts = 3});
  plan.close(1);
  CHECK(plan.result(1, {AttemptResult::Kind::failed, "HTTP 429", 1500ms}) == Lines{"note 1-1-0-q"});
  CHECK(plan.due_in() == 1500ms);
  CHECK(plan.pass(1500ms) == Lines{"start 1"});
  CHECK(plan.result(1, {AttemptResult::Kind::failed, "HTTP 429", 10s}) ==
        Lines{"note 1-2-0-q", "receipt r1: a carried", "release r1/1 carrying 1"});
  // Too early: it stays where it is, and holds nobody.
  CHECK(plan.answer(2, 60s).empty());
  CHECK(plan.close(2) == Lines{"release r2/2 carrying 1"});
  plan.pass(8500ms);
  CHECK(plan.answer(3, 60s).empty());
  CHECK(plan.due_in() == 1500ms);
  CHECK(plan.pass(1500ms) == Lines{"start 1"});
}

TEST_CASE("tasks that wait for a timeout start without an answer, and nothing else does") {
  ScheduleUnderTest plan(4);
  CHECK(plan.accept({.number = 1, .name = "deferred"}).empty());
  CHECK(plan.accept({.number = 2, .name = "late", .start = Schedule::Start::at_once}) ==
        Lines{"start 2"});
  CHECK(plan.accept({.number = 3, .name = "deferred-too"}).empty());
  CHECK(plan.success(2) == Lines{"end 2"});
  CHECK(plan.answer(1, 10s) == Lines{"start 1", "start 3"});
  plan.success(1);
  plan.success(3);
  CHECK(plan.close(1) ==
        Lines{"receipt r1: deferred done late done deferred-too done", "release r1/1 carrying 0"});
}

}  // namespace postlude::extension
