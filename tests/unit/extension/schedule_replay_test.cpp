#include "tests/unit/extension/schedule_fixture.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace postlude::extension {
using namespace std::chrono_literals;
using testing::ScheduleUnderTest;

using Lines = ScheduleUnderTest::Lines;
using Plan = ScheduleUnderTest::TaskPlan;

namespace {

/// Of the only task in the only receipt.
const ReceiptTask& told(const ScheduleUnderTest& plan) {
  REQUIRE(plan.receipts().size() == 1);
  REQUIRE(plan.receipts()[0].tasks.size() == 1);
  return plan.receipts()[0].tasks[0];
}

}  // namespace

TEST_CASE("what waited is carried, and runs in the next invocation that is answered, in order") {
  ScheduleUnderTest plan(4);
  plan.leave({.number = 2, .name = "b", .invocation = 1}, 0, RecordMark::waiting);
  plan.leave({.number = 1, .attempts = 2}, 1, RecordMark::waiting);
  CHECK(plan.crash().empty());
  CHECK(plan.schedule().carried() == 2);
  CHECK_FALSE(plan.due_in());
  CHECK(plan.answer(7, 10s) == Lines{"start 1", "start 2"});
  plan.success(1);
  plan.success(2);
  CHECK(plan.close(7) == Lines{"receipt r7: a done b done", "release r7/7 carrying 0"});
  CHECK(plan.receipts()[0].tasks[0].attempts == 2);
}

TEST_CASE("an attempt that was under way was interrupted, which uses up no attempt") {
  ScheduleUnderTest plan(4);
  plan.leave({.number = 1, .attempts = 1}, 1, RecordMark::running);
  CHECK(plan.crash() == Lines{"note 1-0-1-q"});
  CHECK(plan.answer(2, 10s) == Lines{"start 1"});
}

TEST_CASE("crashes and deadlines count together, and a fourth interruption expires the task") {
  ScheduleUnderTest plan(4);
  plan.leave({.number = 1, .interruptions = 2}, 1, RecordMark::running);
  CHECK(plan.crash() == Lines{"note 1-0-3-q"});
  plan.answer(1, 1s);
  CHECK(plan.crash() == Lines{"end 1", "receipt r1: a expired"});
  CHECK(told(plan).why == "cut short 4 times, at last by a crash");
  CHECK(told(plan).attempts == 0);
}

TEST_CASE("with replay false an interrupted attempt expires, and what did not begin runs") {
  ScheduleUnderTest plan(4);
  plan.leave({.number = 1, .replay = Plan::Replay::no}, 1, RecordMark::running);
  plan.leave({.number = 2, .name = "b", .replay = Plan::Replay::no}, 0, RecordMark::waiting);
  CHECK(plan.crash() == Lines{"end 1", "receipt r1: a expired"});
  CHECK(told(plan).why == "interrupted by a crash, and replay is false");
  CHECK(plan.answer(1, 10s) == Lines{"start 2"});
}

TEST_CASE("what expires in replay goes to its dead letter with the next invocation") {
  ScheduleUnderTest plan(4);
  plan.leave({.number = 1, .replay = Plan::Replay::no, .dead_letter = Plan::DeadLetter::yes},
             1,
             RecordMark::running);
  CHECK(plan.crash() == Lines{"note 1-0-1-s"});
  CHECK(plan.schedule().carried() == 1);
  CHECK(plan.answer(2, 10s) == Lines{"spill 1: interrupted by a crash, and replay is false"});
  CHECK(plan.spilled(1) == Lines{"end 1"});
  CHECK(plan.close(2) == Lines{"receipt r2: a spilled", "release r2/2 carrying 0"});
}

TEST_CASE("what is left for the dead letter never runs again, and keeps what it would be") {
  struct Case {
    int attempts;
    int interruptions;
    Plan::Replay replay;
    std::string end;
  };
  const std::vector<Case> cases = {{2, 0, Plan::Replay::yes, "failed"},
                                   {1, 0, Plan::Replay::yes, "failed"},
                                   {2, 3, Plan::Replay::yes, "failed"},
                                   {1, 3, Plan::Replay::yes, "expired"},
                                   {0, 1, Plan::Replay::no, "expired"}};
  for (const Case& one : cases) {
    CAPTURE(one.attempts);
    CAPTURE(one.interruptions);
    ScheduleUnderTest plan(4);
    plan.leave({.number = 1,
                .attempts = 2,
                .interruptions = one.interruptions,
                .replay = one.replay,
                .dead_letter = Plan::DeadLetter::yes},
               one.attempts,
               RecordMark::spilling);
    CHECK(plan.crash().empty());
    CHECK(plan.answer(2, 10s) == Lines{"spill 1: the reason is not known any more after a crash"});
    CHECK(plan.shut_down().empty());
    CHECK(plan.spilled(1, "no") == Lines{"end 1", "receipt r2: a " + one.end});
    CHECK(plan.starts(1) == one.attempts);
  }
}

TEST_CASE("ends that no receipt told are told at once, for each invocation in one receipt") {
  ScheduleUnderTest plan(4);
  plan.leave({.number = 1, .name = "a"}, 1, RecordMark::done);
  plan.leave({.number = 2, .name = "b"}, 1, RecordMark::failed);
  plan.leave({.number = 3, .name = "c", .invocation = 2}, 0, RecordMark::expired);
  plan.leave({.number = 4, .name = "d"}, 1, RecordMark::spilled);
  plan.leave({.number = 5, .name = "e", .invocation = 2}, 0, RecordMark::dropped);
  CHECK(plan.crash() ==
        Lines{"receipt r1: a done b failed d spilled", "receipt r2: c expired e dropped"});
  CHECK_FALSE(plan.receipts()[0].tasks[0].why);
  CHECK(plan.receipts()[0].tasks[1].why);
  CHECK_FALSE(plan.receipts()[0].tasks[0].time);  // it ran in another process
  CHECK_FALSE(plan.receipts()[0].held_time);
  CHECK(plan.schedule().accounting().held == 0);
  CHECK(plan.close(1) == Lines{"release r1/1 carrying 0"});
}

TEST_CASE("what was there at the start is not accepted again, whatever became of it") {
  ScheduleUnderTest plan(4);
  plan.leave({.number = 4}, 0, RecordMark::waiting);
  plan.crash();
  CHECK(plan.accept({.number = 3}).empty());
  CHECK(plan.accept({.number = 4, .start = Schedule::Start::at_once}).empty());
  CHECK(plan.schedule().accounting().held == 1);
  CHECK(plan.answer(1, 10s) == Lines{"start 4"});
  CHECK(plan.accept({.number = 5}) == Lines{"start 5"});
}

TEST_CASE("an invocation that the dead process held goes on where it was, and is released once") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 10s);
  plan.accept({.number = 1});
  plan.accept({.number = 2, .name = "b"});
  plan.close(1);
  plan.success(1);
  CHECK(plan.crash() == Lines{"receipt r1: a done", "note 2-0-1-q"});
  // The shim tells again what it told in messages.
  CHECK(plan.answer(1, 8s) == Lines{"start 2"});
  CHECK(plan.close(1, 8s).empty());
  CHECK(plan.success(2) == Lines{"end 2", "receipt r1: b done", "release r1/1 carrying 0"});
}

TEST_CASE("carried handler tasks are told apart") {
  ScheduleUnderTest plan(4);
  plan.leave({.number = 1, .kind = Plan::Kind::handler}, 1, RecordMark::running);
  plan.leave({.number = 2}, 0, RecordMark::waiting);
  plan.crash();
  CHECK(plan.schedule().carried() == 2);
  CHECK(plan.schedule().carried_handlers() == 1);
  CHECK(plan.answer(1, 10s) == Lines{"start 2"});
  CHECK(plan.idle(1) == Lines{"start 1"});
}

TEST_CASE("what was told of an invocation before its answer does not spoil its time") {
  ScheduleUnderTest plan(4);
  plan.leave({.number = 1}, 0, RecordMark::waiting);
  plan.crash();
  CHECK(plan.drop(1).empty());
  CHECK(plan.answer(1, 10s) == Lines{"start 1"});
  CHECK(plan.accept({.number = 2, .name = "b"}) == Lines{"start 2"});
  plan.success(1);
  plan.success(2);
  CHECK(plan.close(1) == Lines{"receipt r1: ? dropped a done b done", "release r1/1 carrying 0"});
}

TEST_CASE(
    "a task that waits for no answer has its time, also where another one was dropped before") {
  ScheduleUnderTest plan(4);
  CHECK(plan.drop(1).empty());
  CHECK(plan.accept({.number = 1, .start = Schedule::Start::at_once}) == Lines{"start 1"});
  CHECK(plan.success(1) == Lines{"end 1"});
}

TEST_CASE("a process that ends first tells what has no record, and others find the rest") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 10s);
  plan.accept({.number = 1});
  plan.accept({.number = 2, .name = "b"});
  plan.success(2);
  plan.drop(1);
  CHECK(plan.last_words() == Lines{"receipt r1: ? dropped"});
  CHECK(plan.last_words().empty());
}

}  // namespace postlude::extension
