// The environment ends, and starts over with its spool: after a timeout or a failure.
#include "tests/unit/extension/schedule_fixture.h"

#include <doctest/doctest.h>

namespace postlude::extension {

using namespace std::chrono_literals;
using testing::ScheduleUnderTest;
using Lines = ScheduleUnderTest::Lines;

namespace {

constexpr auto kWithDeadLetter = ScheduleUnderTest::TaskPlan::DeadLetter::yes;

}  // namespace

TEST_CASE(
    "when the environment starts over, what has no dead letter is carried, and no attempt counts") {
  ScheduleUnderTest plan(1);
  plan.answer(1, 60s);
  plan.accept({.number = 1, .name = "runs"});
  plan.accept({.number = 2, .name = "waits"});
  plan.pass(20ms);
  const Lines steps = plan.start_over();
  CHECK(steps.front() == "stop 1 within 0");
  CHECK(steps.back() == "receipt r1: runs carried waits carried");
  CHECK(plan.schedule().over());
  CHECK(plan.schedule().accounting().held == 2);
  const auto& tasks = plan.receipts().at(0).tasks;
  CHECK(tasks[0].why == "the environment starts over");
  CHECK(tasks[0].attempts == 0);
  CHECK(plan.running().empty());
}

TEST_CASE("when the environment starts over, carried work says nothing more") {
  ScheduleUnderTest plan(1);
  plan.answer(1, 100ms);
  plan.pass(100ms);
  plan.accept({.number = 1});
  plan.accept({.number = 2, .dead_letter = kWithDeadLetter});
  plan.close(1);
  plan.spilled(2, "sqs: 403");
  const std::size_t receipts = plan.receipts().size();
  CHECK(plan.start_over().empty());
  CHECK(plan.schedule().over());
  CHECK(plan.receipts().size() == receipts);
}

TEST_CASE(
    "when the environment starts over, a task with a dead letter goes there, or is carried after "
    "all") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 60s);
  plan.accept({.number = 1, .name = "taken", .dead_letter = kWithDeadLetter});
  plan.accept({.number = 2, .name = "refused", .dead_letter = kWithDeadLetter});
  plan.start_over();
  CHECK_FALSE(plan.schedule().over());
  plan.spilled(1);
  plan.spilled(2, "sqs: 403");
  CHECK(plan.schedule().over());
  const auto& tasks = plan.receipts().at(0).tasks;
  CHECK(tasks[0].state == TaskState::spilled);
  CHECK(tasks[1].state == TaskState::carried);
  CHECK(plan.schedule().accounting().held == 1);
}

TEST_CASE("an attempt that was cut too often expires also when the environment starts over") {
  ScheduleUnderTest plan(1);
  plan.answer(1, 60s);
  plan.accept({.number = 1, .interruptions = kMostInterruptions});
  plan.start_over();
  CHECK(plan.receipts().at(0).tasks[0].state == TaskState::expired);
  CHECK(plan.schedule().over());
}

TEST_CASE("where invocations overlap, one that was released goes on when it is answered again") {
  ScheduleUnderTest plan(4);
  plan.expect_overlap();
  plan.answer(1, 60s);
  CHECK(plan.close(1) == Lines{"release r1/1 carrying 0"});
  plan.answer(1, 60s);
  plan.accept({.number = 1, .name = "late"});
  CHECK(plan.running().size() == 1);
}

TEST_CASE(
    "where invocations overlap, one that is closed again before its release is released twice") {
  ScheduleUnderTest plan(4);
  plan.expect_overlap();
  plan.answer(1, 60s);
  plan.accept({.number = 1});
  CHECK(plan.close(1).empty());
  plan.answer(1, 60s);
  plan.accept({.number = 2, .name = "late"});
  CHECK(plan.close(1).empty());
  plan.success(1);
  CHECK(plan.success(2) == Lines{"end 2",
                                 "receipt r1: a done late done",
                                 "release r1/1 carrying 0",
                                 "release r1/1 carrying 0"});
}

TEST_CASE("what is added to an invocation that is closed already takes nothing from its answer") {
  Schedule schedule(4, 500ms);
  schedule.expect_overlap();
  const auto at = EpochTime(1775516157000ms);
  const auto work = [](std::uint64_t number) {
    TaskRecord record;
    record.key = {"r1", 1};
    record.id = "r1/a/1";
    record.task.name = "a";
    record.task.action = CommandAction{{"true"}, {}, std::nullopt};
    return std::pair(RecordName{.number = number}, record);
  };
  const auto accept = [&](std::uint64_t number) {
    const auto [name, record] = work(number);
    static_cast<void>(schedule.answered({{"r1", 1}, at + 60s}, at));
    static_cast<void>(schedule.accepted(name, record, at));
  };
  accept(1);
  AnswerSummary answer{at, at, "Function.Late", true};
  CHECK(schedule.closed({{"r1", 1}, at + 60s, answer}, at).empty());
  accept(2);
  CHECK(schedule
            .closed({{"r1", 1}, at + 60s, {.event_time = at, .response_end = at, .repeated = true}},
                    at)
            .empty());
  static_cast<void>(schedule.attempt_ended(1, {}, at, 0));
  std::optional<Receipt> receipt;
  for (const Step& step : schedule.attempt_ended(2, {}, at, 0)) {
    if (const auto* written = std::get_if<WriteReceipt>(&step)) {
      receipt = written->receipt;
    }
  }
  REQUIRE(receipt);
  CHECK(receipt->late_error_type == "Function.Late");
  CHECK(receipt->response_failed);
  CHECK_FALSE(receipt->response_repeated);
}

}  // namespace postlude::extension
