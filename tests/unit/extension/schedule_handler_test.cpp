#include "tests/unit/extension/schedule_fixture.h"

#include <doctest/doctest.h>

namespace postlude::extension {
using namespace std::chrono_literals;
using testing::ScheduleUnderTest;

using Lines = ScheduleUnderTest::Lines;
using Plan = ScheduleUnderTest::TaskPlan;

namespace {

Plan handler(std::uint64_t number, int attempts = 1) {
  return {.number = number, .attempts = attempts, .kind = Plan::Kind::handler};
}

}  // namespace

TEST_CASE("a handler task waits until the runtime does, and the runtime until there is none") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 10s);
  CHECK(plan.accept(handler(1)).empty());
  CHECK(plan.idle(1) == Lines{"start 1"});
  CHECK(plan.success(1) == Lines{"end 1"});
  CHECK(plan.idle(1) == Lines{"handlers done r1"});
  CHECK(plan.close(1) == Lines{"receipt r1: a done", "release r1/1 carrying 0"});
  CHECK(plan.receipts()[0].handler_request_ids == std::vector<std::string>{"attempt-1"});
}

TEST_CASE("handler tasks run one at a time, in a lane of their own") {
  ScheduleUnderTest plan(2);
  plan.answer(1, 10s);
  CHECK(plan.accept(handler(1)).empty());
  CHECK(plan.accept(handler(2)).empty());
  CHECK(plan.accept({.number = 3}) == Lines{"start 3"});
  CHECK(plan.accept({.number = 4}) == Lines{"start 4"});
  CHECK(plan.idle(1) == Lines{"start 1"});
  CHECK(plan.success(1) == Lines{"end 1"});
  CHECK(plan.idle(1) == Lines{"start 2"});
  // Said twice, as where the runtime made a new connection.
  CHECK(plan.idle(1).empty());
}

TEST_CASE("with a concurrency of 1 handler tasks take their turn like all others") {
  ScheduleUnderTest plan(1);
  plan.answer(1, 10s);
  CHECK(plan.accept({.number = 1}) == Lines{"start 1"});
  plan.accept(handler(2));
  plan.accept({.number = 3});
  CHECK(plan.idle(1).empty());
  CHECK(plan.success(1) == Lines{"end 1", "start 2"});
  CHECK(plan.success(2) == Lines{"end 2", "start 3"});
  CHECK(plan.idle(1) == Lines{"handlers done r1"});
}

TEST_CASE("the runtime waits through the backoff of a handler task") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 10s);
  plan.accept(handler(1, 2));
  plan.idle(1);
  CHECK(plan.failure(1) == Lines{"note 1-1-0-q"});
  CHECK(plan.idle(1).empty());
  CHECK(plan.pass(100ms) == Lines{"start 1"});
}

TEST_CASE("at its time a handler attempt is settled, and its late result counts for nothing") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 10s);
  Plan once = handler(1);
  once.timeout = 2s;
  plan.accept(once);
  plan.idle(1);
  CHECK(plan.pass(2s) == Lines{"stop 1 within 200"});
  CHECK(plan.stopped(1) == Lines{"end 1"});
  CHECK(plan.success(1).empty());
  CHECK(plan.idle(1) == Lines{"handlers done r1"});
  CHECK(plan.close(1) == Lines{"receipt r1: a failed", "release r1/1 carrying 0"});
  CHECK(plan.receipts()[0].tasks[0].why == "timed out after 2000 ms");
}

TEST_CASE("an attempt starts only if it has a second, or all it may take") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 900ms);
  plan.accept(handler(1));
  Plan quick = handler(2);
  quick.timeout = 800ms;
  plan.accept(quick);
  CHECK(plan.idle(1) == Lines{"start 2"});
  plan.success(2);
  CHECK(plan.idle(1) == Lines{"handlers done r1"});
  CHECK(plan.close(1) == Lines{"receipt r1: a carried a done", "release r1/1 carrying 1"});
  CHECK(plan.receipts()[0].tasks[0].why == "no time left");
}

TEST_CASE("a carried handler task runs in the next invocation") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 100ms);
  plan.accept(handler(1));
  plan.idle(1);
  const Steps steps =
      plan.schedule().closed({ScheduleUnderTest::key(1), plan.now(), {}}, plan.now());
  REQUIRE(steps.size() == 2);
  const auto& release = std::get<ReleaseInvocation>(steps[1]);
  CHECK(release.carried == 1);
  CHECK(release.carried_handlers == 1);
  plan.answer(2, 10s);
  CHECK(plan.idle(2) == Lines{"start 1"});
}

TEST_CASE("a runtime that ends in an attempt fails it, and the others are carried") {
  ScheduleUnderTest plan(4);
  plan.answer(1, 10s);
  plan.accept(handler(1));
  plan.accept(handler(2));
  plan.idle(1);
  plan.success(1);
  plan.idle(1);
  CHECK(plan.running().contains(2));
  Plan other = handler(3);
  plan.accept(other);
  const Steps steps =
      plan.schedule().closed({ScheduleUnderTest::key(1), plan.now(), {}}, plan.now());
  REQUIRE(steps.size() >= 3);
  CHECK(std::get<StopAttempt>(steps[0]).number == 2);
  CHECK(std::get<EndTask>(steps[1]).after.number == 2);
  const auto& receipt = std::get<WriteReceipt>(steps[2]).receipt;
  CHECK(receipt.tasks.at(1).why == "the runtime ended in the middle of it");
  CHECK(receipt.tasks.at(2).state == TaskState::carried);
}

TEST_CASE("an attempt that ends before it reaches the runtime leaves the runtime waiting") {
  ScheduleUnderTest plan(4);
  plan.keep_from_runtime();
  plan.answer(1, 10s);
  plan.accept(handler(1));
  plan.accept(handler(2, 2));
  CHECK(plan.idle(1) == Lines{"start 1"});
  // As where a reference of its event is missing: the next one needs no new word of the shim.
  CHECK(plan.failure(1) == Lines{"end 1", "start 2"});
  CHECK(plan.failure(2) == Lines{"note 2-1-0-q"});
  CHECK(plan.pass(100ms) == Lines{"start 2"});
  plan.reentered(2);
  CHECK(plan.success(2) == Lines{"end 2"});
  CHECK(plan.idle(1) == Lines{"handlers done r1"});
}

TEST_CASE("the runtime goes on at once when no attempt reaches it") {
  ScheduleUnderTest plan(4);
  plan.keep_from_runtime();
  plan.answer(1, 10s);
  Plan slow = handler(1);
  slow.timeout = 2s;
  plan.accept(slow);
  CHECK(plan.idle(1) == Lines{"start 1"});
  CHECK(plan.pass(2s) == Lines{"stop 1 within 200"});
  CHECK(plan.stopped(1) == Lines{"end 1", "handlers done r1"});
}

TEST_CASE("an unknown invocation has no handler tasks") {
  ScheduleUnderTest plan(4);
  CHECK(plan.idle(7) == Lines{"handlers done r7"});
}

}  // namespace postlude::extension
