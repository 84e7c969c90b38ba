#include "extension/schedule.h"

#include "tests/unit/extension/schedule_fixture.h"

#include <doctest/doctest.h>

namespace postlude::extension {
using namespace std::chrono_literals;
using testing::ScheduleUnderTest;

using Lines = ScheduleUnderTest::Lines;

TEST_CASE("an invocation without tasks is released when it is closed, without a receipt") {
  ScheduleUnderTest plan(4);
  CHECK(plan.close(1) == Lines{"release r1/1 carrying 0"});
}

TEST_CASE("a late error alone makes a receipt") {
  ScheduleUnderTest plan(4);
  Closed closed;
  closed.key = ScheduleUnderTest::key(1);
  closed.answer = {plan.now() - 100ms, plan.now() - 40ms, "Function.Late"};
  const extension::Steps steps = plan.schedule().closed(closed, plan.now());
  REQUIRE(steps.size() == 2);
  const auto& receipt = std::get<extension::WriteReceipt>(steps[0]).receipt;
  CHECK(receipt.late_error_type == "Function.Late");
  CHECK(receipt.response_time == 60ms);
  CHECK(receipt.held_time == 40ms);
  CHECK(receipt.tasks.empty());
}

TEST_CASE("a task starts when it is accepted, and the invocation waits for its end") {
  ScheduleUnderTest plan(4);
  CHECK(plan.answer(1, 10s).empty());
  CHECK(plan.accept({.number = 1}) == Lines{"start 1"});
  CHECK(plan.close(1).empty());
  plan.pass(250ms);
  CHECK(plan.success(1) == Lines{"end 1", "receipt r1: a done", "release r1/1 carrying 0"});
  CHECK(plan.receipts()[0].tasks[0].time == 250ms);
  CHECK(plan.receipts()[0].tasks[0].attempts == 1);
}

TEST_CASE("a task that ended before its invocation is closed waits for the receipt") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 10s);
  plan.accept({.number = 1});
  CHECK(plan.success(1) == Lines{"end 1"});
  CHECK(plan.close(1) == Lines{"receipt r1: a done", "release r1/1 carrying 0"});
}

TEST_CASE("no more tasks run at once than the limit allows, and the oldest is next") {
  ScheduleUnderTest plan(2);
  plan.answer(1, 10s);
  CHECK(plan.accept({.number = 1}) == Lines{"start 1"});
  CHECK(plan.accept({.number = 2}) == Lines{"start 2"});
  CHECK(plan.accept({.number = 3}).empty());
  CHECK(plan.accept({.number = 4}).empty());
  CHECK(plan.success(2) == Lines{"end 2", "start 3"});
}

TEST_CASE("with a limit of 1 a waiting task holds back all later ones") {
  ScheduleUnderTest plan(1);
  plan.answer(1, 10s);
  plan.accept({.number = 1, .attempts = 2});
  plan.accept({.number = 2, .name = "b"});
  CHECK(plan.failure(1, 0.5) == Lines{"note 1-1-0-q"});
  CHECK(plan.due_in() == 100ms);
  CHECK(plan.pass(100ms) == Lines{"start 1"});
  CHECK(plan.success(1) == Lines{"end 1", "start 2"});
}

TEST_CASE(
    "with a limit of 1 a carried task takes the later ones along, and they keep their order") {
  ScheduleUnderTest plan(1);
  plan.answer(1, 10s);
  plan.accept({.number = 1, .attempts = 2, .backoff = 8s});
  plan.accept({.number = 2, .name = "b"});
  plan.close(1);
  CHECK(plan.failure(1, 0.9) ==
        Lines{"note 1-1-0-q", "receipt r1: a carried b carried", "release r1/1 carrying 2"});
  CHECK(plan.answer(2, 10s) == Lines{"start 1"});
  CHECK(plan.accept({.number = 3, .name = "c", .invocation = 2}).empty());
  CHECK(plan.success(1) == Lines{"end 1", "start 2"});
  CHECK(plan.success(2) == Lines{"end 2", "start 3"});
}

TEST_CASE("an attempt is stopped at the task's timeout and the task fails") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 10s);
  plan.accept({.number = 1, .timeout = 300ms});
  plan.close(1);
  CHECK(plan.due_in() == 300ms);
  CHECK(plan.pass(300ms) == Lines{"stop 1 within 200"});
  CHECK_FALSE(plan.due_in());
  CHECK(plan.stopped(1) == Lines{"end 1", "receipt r1: a failed", "release r1/1 carrying 0"});
  CHECK(plan.receipts()[0].tasks[0].why == "timed out after 300 ms");
}

TEST_CASE("a timed out attempt is tried again where attempts are left") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 10s);
  plan.accept({.number = 1, .attempts = 2, .timeout = 300ms});
  plan.pass(300ms);
  CHECK(plan.stopped(1) == Lines{"note 1-1-0-q"});
  CHECK(plan.pass(100ms) == Lines{"start 1"});
  plan.close(1);
  plan.success(1);
  CHECK(plan.receipts()[0].tasks[0].attempts == 2);
}

TEST_CASE("an attempt cut by the work deadline uses up no attempt and is carried") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 400ms);
  plan.accept({.number = 1, .timeout = 30s});
  plan.close(1);
  CHECK(plan.pass(400ms) == Lines{"stop 1 within 200"});
  plan.pass(50ms);
  CHECK(plan.stopped(1) ==
        Lines{"note 1-0-1-q", "receipt r1: a carried", "release r1/1 carrying 1"});
  CHECK(plan.receipts()[0].tasks[0].attempts == 0);
  CHECK(plan.receipts()[0].tasks[0].time == 450ms);

  CHECK(plan.answer(2, 10s) == Lines{"start 1"});
  plan.pass(70ms);
  CHECK(plan.success(1) == Lines{"end 1"});
  CHECK(plan.close(2) == Lines{"receipt r2: a done", "release r2/2 carrying 0"});
  CHECK(plan.receipts()[1].tasks[0].attempts == 1);
  CHECK(plan.receipts()[1].tasks[0].time == 70ms);
  CHECK(plan.receipts()[0].tasks[0].first);
  CHECK_FALSE(plan.receipts()[1].tasks[0].first);
}

TEST_CASE("an answer without work has a receipt where every answer is to be told of") {
  ScheduleUnderTest plan(4);
  plan.schedule().tell_every_answer();
  plan.answer(1, 10s);
  CHECK(plan.close(1) == Lines{"receipt r1:", "release r1/1 carrying 0"});
  CHECK(plan.receipts()[0].response_time == 20ms);
  CHECK(plan.receipts()[0].held_time == 10ms);
  CHECK_FALSE(plan.receipts()[0].tells());
}

TEST_CASE("a timeout that equals the time left is a timeout, not an interruption") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 400ms);
  plan.accept({.number = 1, .timeout = 400ms});
  plan.pass(400ms);
  CHECK(plan.stopped(1) == Lines{"end 1"});
  CHECK(plan.schedule().accounting().failed == 1);
}

TEST_CASE("a task that was cut too often expires and says so") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 10s);
  plan.accept({.number = 1, .interruptions = extension::kMostInterruptions});
  plan.close(1);
  CHECK(plan.pass(10s) == Lines{"stop 1 within 200"});
  CHECK(plan.stopped(1) == Lines{"end 1", "receipt r1: a expired", "release r1/1 carrying 0"});
  CHECK(plan.receipts()[0].tasks[0].why == "cut by the deadline 4 times");
  CHECK(plan.receipts()[0].tasks[0].attempts == 0);
}

TEST_CASE("the grace of a stopped attempt leaves the time that ending an invocation takes") {
  const struct {
    Millis margin;
    Millis grace;
  } cases[] = {{100ms, 1ms}, {200ms, 50ms}, {500ms, 200ms}, {5s, 200ms}};
  for (const auto& one : cases) {
    CAPTURE(one.margin.count());
    extension::Schedule schedule(4, 5s);
    TaskRecord record;
    record.key = {"r1", 1};
    record.work_deadline = from_epoch_ms(1000);
    record.deadline = record.work_deadline + one.margin;
    static_cast<void>(schedule.answered({record.key, record.work_deadline}, from_epoch_ms(0)));
    static_cast<void>(schedule.accepted({1, 0, 0}, record, from_epoch_ms(0)));
    const extension::Steps steps = schedule.time_passed(from_epoch_ms(1000));
    REQUIRE(steps.size() == 1);
    CHECK(std::get<extension::StopAttempt>(steps[0]).grace == one.grace);
  }
}

TEST_CASE("what cannot start because no time is left is carried") {
  ScheduleUnderTest plan(1);
  plan.answer(1, 400ms);
  plan.accept({.number = 1});
  plan.accept({.number = 2, .name = "b"});
  plan.close(1);
  CHECK(plan.pass(400ms) == Lines{"stop 1 within 200"});
  CHECK(plan.stopped(1) ==
        Lines{"note 1-0-1-q", "receipt r1: a carried b carried", "release r1/1 carrying 2"});
  CHECK(plan.receipts()[0].tasks[1].why == "no time left");
}

TEST_CASE("a task accepted after the work deadline is carried at once") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 100ms);
  plan.pass(100ms);
  CHECK(plan.accept({.number = 1}).empty());
  CHECK(plan.close(1) == Lines{"receipt r1: a carried", "release r1/1 carrying 1"});
}

TEST_CASE("carried work starts before the tasks of the next invocation") {
  ScheduleUnderTest plan(2);
  plan.answer(1, 100ms);
  plan.pass(100ms);
  plan.accept({.number = 1});
  plan.accept({.number = 2, .name = "b"});
  plan.close(1);
  CHECK(plan.answer(2, 10s) == Lines{"start 1", "start 2"});
  CHECK(plan.accept({.number = 3, .name = "c", .invocation = 2}).empty());
}

TEST_CASE("carried work waits for the close of an invocation that has no answer of its own") {
  ScheduleUnderTest plan(2);
  plan.answer(1, 100ms);
  plan.pass(100ms);
  plan.accept({.number = 1});
  plan.close(1);
  CHECK(plan.close(2, 5s) == Lines{"start 1"});
  CHECK(plan.success(1) == Lines{"end 1", "receipt r2: a done", "release r2/2 carrying 0"});
}

TEST_CASE("carried work that found no time again stands in each receipt as carried") {
  ScheduleUnderTest plan(2);
  plan.answer(1, 100ms);
  plan.pass(100ms);
  plan.accept({.number = 1});
  plan.close(1);
  CHECK(plan.close(2, 0s) == Lines{"receipt r2: a carried", "release r2/2 carrying 1"});
}

TEST_CASE("a task cut in an invocation that stays open does not start there again") {
  ScheduleUnderTest plan(2);
  plan.answer(1, 100ms);
  plan.accept({.number = 1});
  plan.pass(100ms);
  CHECK(plan.stopped(1) == Lines{"note 1-0-1-q"});
  CHECK(plan.close(1, 5s) == Lines{"receipt r1: a carried", "release r1/1 carrying 1"});
}

TEST_CASE("a wait longer than two seconds is not held for") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 60s);
  plan.accept({.number = 1, .attempts = 3, .backoff = 10s});
  plan.close(1);
  CHECK(plan.failure(1, 0.3) ==
        Lines{"note 1-1-0-q", "receipt r1: a carried", "release r1/1 carrying 1"});
  CHECK(plan.receipts()[0].tasks[0].why == "exit status 1");
  CHECK(plan.receipts()[0].tasks[0].attempts == 1);
  CHECK(plan.answer(2, 60s) == Lines{"start 1"});
}

TEST_CASE("a wait longer than the time left is not held for") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 90ms);
  plan.accept({.number = 1, .attempts = 3, .backoff = 200ms});
  plan.close(1);
  CHECK(plan.failure(1, 0.5) ==
        Lines{"note 1-1-0-q", "receipt r1: a carried", "release r1/1 carrying 1"});
}

TEST_CASE("a refusal fails the task whatever attempts are left") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 10s);
  plan.accept({.number = 1, .attempts = 5});
  CHECK(plan.result(1, {extension::AttemptResult::Kind::refused, "no such program"}) ==
        Lines{"end 1"});
  CHECK(plan.schedule().accounting().failed == 1);
}

TEST_CASE("a failed task has the reason of its last attempt in the receipt") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 10s);
  plan.accept({.number = 1});
  plan.close(1);
  plan.failure(1);
  CHECK(plan.receipts()[0].tasks[0].state == TaskState::failed);
  CHECK(plan.receipts()[0].tasks[0].why == "exit status 1");
}

TEST_CASE("a record that cannot be read is a dropped task of its invocation") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 10s);
  CHECK(plan.drop(1).empty());
  CHECK(plan.close(1) == Lines{"receipt r1: ? dropped", "release r1/1 carrying 0"});
  CHECK(plan.schedule().accounting().dropped == 1);
}

TEST_CASE("a record that cannot be read, told after the release, has a receipt of its own") {
  ScheduleUnderTest plan(4);
  plan.close(1);
  CHECK(plan.drop(1) == Lines{"receipt r1: ? dropped"});
  CHECK(plan.last_words().empty());
}

TEST_CASE("at the end of the environment all that is held expires, each in one receipt") {
  ScheduleUnderTest plan(1);
  plan.answer(1, 100ms);
  plan.pass(100ms);
  plan.accept({.number = 1});
  plan.close(1);
  plan.answer(2, 10s);
  plan.accept({.number = 2, .name = "b", .invocation = 2});
  plan.pass(20ms);
  CHECK(plan.shut_down() == Lines{"end 1 at once", "end 2", "receipt r2: a expired b expired"});
  CHECK(plan.receipts()[1].tasks[0].why == "the environment ended");
  CHECK(plan.receipts()[1].tasks[0].attempts == 0);
  CHECK_FALSE(plan.receipts()[1].held_time);
  CHECK(plan.schedule().accounting().expired == 2);
}

TEST_CASE("carried work without an open invocation expires under the id that accepted it") {
  ScheduleUnderTest plan(1);
  plan.answer(1, 100ms);
  plan.pass(100ms);
  plan.accept({.number = 1});
  plan.close(1);
  CHECK(plan.shut_down() == Lines{"end 1", "receipt r1: a expired"});
}

TEST_CASE("a shutdown with nothing held says nothing") {
  ScheduleUnderTest plan(1);
  plan.answer(1, 10s);
  CHECK(plan.shut_down().empty());
}

TEST_CASE("what is said twice changes nothing") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 10s);
  plan.accept({.number = 1});
  CHECK(plan.accept({.number = 1}).empty());
  CHECK(plan.answer(1, 1ms).empty());
  CHECK(plan.due_in() == 10s);
  plan.close(1);
  plan.success(1);
  CHECK(plan.success(1).empty());
  CHECK(plan.close(1).empty());
  CHECK(plan.answer(1, 10s).empty());
}

TEST_CASE("a task that comes after the release of its invocation is carried to the next") {
  ScheduleUnderTest plan(4);
  plan.close(1);
  CHECK(plan.accept({.number = 1}).empty());
  CHECK(plan.close(2, 5s) == Lines{"start 1"});
}

TEST_CASE("what a function defers before its answer waits for the answer") {
  ScheduleUnderTest plan(4);
  CHECK(plan.accept({.number = 1}).empty());
  CHECK(plan.accept({.number = 2, .name = "b"}).empty());
  CHECK(plan.answer(1, 10s) == Lines{"start 1", "start 2"});
  CHECK(plan.accept({.number = 3, .name = "c"}) == Lines{"start 3"});
}

TEST_CASE("two invocations of one request id are kept apart") {
  extension::Schedule schedule(4, 500ms);
  TaskRecord record;
  record.key = {"same", 2};
  record.work_deadline = from_epoch_ms(10'000);
  record.deadline = from_epoch_ms(10'500);
  static_cast<void>(schedule.answered({record.key, record.work_deadline}, from_epoch_ms(0)));
  static_cast<void>(schedule.accepted({1, 0, 0}, record, from_epoch_ms(0)));
  Closed closed;
  closed.key = {"same", 1};
  const extension::Steps steps = schedule.closed(closed, from_epoch_ms(0));
  REQUIRE(steps.size() == 1);
  CHECK(std::get<extension::ReleaseInvocation>(steps[0]).key.sequence == 1);
}

}  // namespace postlude::extension
