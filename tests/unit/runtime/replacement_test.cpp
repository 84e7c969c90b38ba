// What the successor of a dead extension is told (common/PROTOCOL.md).
#include "tests/unit/runtime/invocation_flow_fixture.h"

#include <string>

using namespace postlude;
using namespace postlude::runtime;

namespace {

const InvocationKey kFirst{"r1", numbers_of_generation(1) + 1};

Task handler_task(std::string name) {
  Task task = command_task(std::move(name), When::success);
  task.action = HandlerAction{};
  return task;
}

}  // namespace

TEST_CASE("a successor is told of an answer, and of no task, since those are in the spool") {
  Flow flow({command_task("t", When::always)});
  flow.deliver("r1");
  flow.respond("r1");
  static_cast<void>(flow.messages());
  flow.replace_extension();
  CHECK(flow.messages() == Lines{"answered"});
  flow.ask_next();
  CHECK(flow.messages() == Lines{"closed"});
  CHECK(flow.flow().work_pending());
  flow.flow().settled({kFirst, 0, 0});
  CHECK_FALSE(flow.flow().work_pending());
}

TEST_CASE("an invocation that is closed and not settled is closed again, in its order") {
  Flow flow({command_task("t", When::always)});
  flow.deliver("r1");
  flow.respond("r1");
  flow.ask_next();
  flow.deliver("r2");
  flow.respond("r2");
  static_cast<void>(flow.messages());
  flow.replace_extension();
  CHECK(flow.messages() == Lines{"answered", "closed", "answered"});
  CHECK(flow.last_closed.key == kFirst);
  CHECK(flow.flow().work_pending());
}

TEST_CASE("a successor is told of no invocation that had no work: it may be over") {
  Flow flow({command_task("t", When::success)});
  flow.deliver("r1");
  flow.post_error("r1");
  flow.ask_next();
  flow.deliver("r2");
  flow.respond("r2");
  flow.ask_next();
  static_cast<void>(flow.messages());
  flow.replace_extension();
  CHECK(flow.messages() == Lines{"answered", "closed"});
  CHECK(flow.last_closed.key.request_id == "r2");
  flow.flow().settled({flow.last_closed.key, 0, 0});
  CHECK_FALSE(flow.flow().awaits_extension());
}

TEST_CASE("what is settled is not told again") {
  Flow flow({command_task("t", When::always)});
  flow.deliver("r1");
  flow.respond("r1");
  flow.ask_next();
  static_cast<void>(flow.messages());
  flow.flow().settled({kFirst, 0, 0});
  flow.replace_extension();
  CHECK(flow.messages().empty());
  CHECK_FALSE(flow.flow().awaits_extension());
}

TEST_CASE("an invocation without an answer is no business of the successor") {
  Flow flow({command_task("t", When::always)});
  flow.deliver("r1");
  flow.replace_extension();
  CHECK(flow.messages().empty());
  flow.respond("r1");
  CHECK(flow.messages() == Lines{"answered", "accepted t"});
}

TEST_CASE("a task that could not be kept is told again, until its receipt is written") {
  Flow flow({command_task("t", When::always)});
  flow.deliver("r1");
  flow.break_spool();
  flow.respond("r1");
  CHECK(flow.messages() == Lines{"answered", "dropped t: the disk is full"});
  flow.replace_extension();
  CHECK(flow.messages() == Lines{"answered", "dropped t: the disk is full"});
  flow.ask_next();
  CHECK(flow.messages() == Lines{"closed"});
  flow.replace_extension();
  CHECK(flow.messages() == Lines{"answered", "dropped t: the disk is full", "closed"});
  flow.flow().settled({kFirst, 0, 0});
  flow.replace_extension();
  CHECK(flow.messages().empty());
}

TEST_CASE("without an extension for good, a task that could not be kept ends with its reason") {
  Flow flow({command_task("t", When::always)});
  flow.deliver("r1");
  flow.break_spool();
  flow.respond("r1");
  flow.ask_next();
  flow.flow().extension_is(ExtensionState::unavailable);
  CHECK(flow.lost == Lines{"r1/t/1"});
}

TEST_CASE("an invocation hosts carried work as soon as the successor has told of it") {
  Flow flow({command_task("t", When::failure)});
  flow.deliver("r1");
  flow.respond("r1");
  CHECK(flow.messages().empty());
  flow.flow().replayed({2, 0});
  CHECK(flow.messages() == Lines{"answered"});
  flow.ask_next();
  CHECK(flow.messages() == Lines{"closed"});
  CHECK(flow.flow().work_pending());
}

TEST_CASE("work that is carried is waited for as soon as its host is answered") {
  Flow flow({command_task("t", When::failure)});
  flow.flow().replayed({1, 1});
  flow.deliver("r1");
  CHECK_FALSE(flow.flow().awaits_extension());
  flow.respond("r1");
  CHECK(flow.messages() == Lines{"answered"});
  CHECK(flow.flow().awaits_extension());
}

TEST_CASE("an extension that is told of an end in the last moment has half of what is left") {
  Flow flow({command_task("t", When::success)});
  flow.flow().extension_is(ExtensionState::registered);
  const EpochTime deadline = now() + Millis(400);
  flow.deliver("r1", "{}", Millis(400));
  flow.respond("r1");
  flow.pass(Millis(390) - remaining(now(), deadline - Millis(400)));
  flow.ask_next();
  const auto release = flow.flow().release_deadline();
  REQUIRE(release);
  CHECK(*release > now() - Millis(1));
  CHECK(*release < deadline + Millis(1));
}

TEST_CASE("until the successor has read the spool, what was handed over counts as carried") {
  Flow flow({command_task("t", When::failure)});
  flow.deliver("r1");
  flow.post_error("r1");
  flow.ask_next();
  flow.flow().settled({kFirst, 1, 0});
  static_cast<void>(flow.messages());
  flow.replace_extension();
  flow.deliver("r2");
  flow.respond("r2");
  CHECK(flow.messages() == Lines{"answered"});
  flow.flow().replayed({0, 0});
  flow.ask_next();
  CHECK(flow.messages() == Lines{"closed"});
}

TEST_CASE("with nothing handed over a replacement changes nothing for the next invocation") {
  Flow flow({command_task("t", When::failure)});
  flow.replace_extension();
  flow.deliver("r1");
  flow.respond("r1");
  flow.ask_next();
  CHECK(flow.messages() == Lines{"closed"});
  CHECK_FALSE(flow.flow().work_pending());
}

TEST_CASE("where the shim polls, an invocation without work is over before it is settled") {
  Flow flow({command_task("t", When::failure)});
  flow.replace_extension();
  const int over = flow.over;
  flow.deliver("r1");
  flow.respond("r1");
  CHECK(flow.over == over);
  flow.ask_next();
  CHECK(flow.over == over + 1);
}

TEST_CASE("where the shim polls, work holds the environment until it is settled") {
  Flow flow({command_task("t", When::success)});
  flow.replace_extension();
  const int over = flow.over;
  flow.deliver("r1");
  flow.respond("r1");
  flow.ask_next();
  CHECK(flow.traffic.may_poll());
  CHECK(flow.over == over);
  flow.flow().settled({kFirst, 0, 0});
  CHECK(flow.over == over + 1);
}

TEST_CASE("where the shim polls, work holds the environment until its spills have to end") {
  Flow flow({command_task("t", When::success)});
  flow.replace_extension();
  const int over = flow.over;
  constexpr Millis kTime{2000};
  flow.deliver("r1", "{}", kTime);
  const EpochTime began = now();
  flow.respond("r1");
  flow.ask_next();
  CHECK(flow.over == over);
  flow.messages();
  const EpochTime work_deadline = flow.last_closed.work_deadline;
  flow.pass(remaining(work_deadline + (began + kTime - work_deadline) / 2, now()));
  CHECK(flow.over == over);
  flow.pass(remaining(began + kTime, now()));
  CHECK(flow.over == over + 1);
}

TEST_CASE("an open inspection is asked of the successor") {
  Flow flow({command_task("t", When::always)});
  flow.deliver("r1");
  std::vector<std::string> replies;
  flow.traffic.inspect("r1", [&replies](const std::string& reply) { replies.push_back(reply); });
  CHECK(flow.messages() == Lines{"inspect"});
  flow.flow().task_states({flow.last_inspect.query, false, {{"r1/old/1", "old", "queued", 0}}});
  CHECK(flow.flow().awaits_extension());
  flow.replace_extension();
  CHECK(flow.messages() == Lines{"inspect"});
  flow.flow().task_states({flow.last_inspect.query, true, {{"r1/new/1", "new", "queued", 0}}});
  REQUIRE(replies.size() == 1);
  CHECK(replies.front().find("r1/new/1") != std::string::npos);
  CHECK(replies.front().find("r1/old/1") == std::string::npos);
  CHECK_FALSE(flow.flow().awaits_extension());
}

TEST_CASE("a runtime that waits for handler tasks is idle for the successor as well") {
  Flow flow({handler_task("again")});
  flow.flow().extension_is(ExtensionState::registered);
  flow.deliver("r1");
  flow.respond("r1");
  flow.ask_next();
  CHECK(flow.messages() == Lines{"answered", "accepted again", "idle"});
  flow.replace_extension();
  CHECK(flow.messages() == Lines{"answered", "idle"});
  CHECK_FALSE(flow.traffic.may_poll());
  flow.flow().handlers_done({kFirst});
  CHECK(flow.messages() == Lines{"closed"});
  CHECK(flow.traffic.may_poll());
}
