// What functions ask for over the local API, as the flow of invocations answers it.
#include "common/task_json.h"
#include "tests/unit/runtime/invocation_flow_fixture.h"

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

using namespace postlude;
using namespace postlude::runtime;

namespace {

const std::string kInline = R"({"command":["true"],"payload":{"n":1}})";

int status_of(const std::string& message) {
  return HttpHead(message).status();
}

/// Keeps what was replied, and how often.
struct Replies {
  std::vector<std::string> all;
  std::function<void(std::string)> keep() {
    return [this](std::string message) { all.push_back(std::move(message)); };
  }
};

}  // namespace

TEST_CASE(
    "a task that is deferred before the answer is journalled at once, and told with the answer") {
  Flow flow({command_task("demand", When::always), command_task("usual", When::success)});
  flow.deliver("r1", R"({"the":"event"})");
  const std::string answer = flow.traffic.defer("current", R"({"task":"usual","payload":[1, 2]})");
  CHECK(status_of(answer) == 202);
  CHECK(answer.find("r1/usual/2") != std::string::npos);
  CHECK(flow.messages().empty());
  const TaskRecord journalled = flow.only_record();
  CHECK(journalled.id == "r1/usual/2");
  CHECK(journalled.payload == "[1, 2]");
  CHECK(flow.file(journalled.bodies.event) == R"({"the":"event"})");
  CHECK(journalled.bodies.response.empty());
  flow.respond("r1");
  CHECK(flow.messages() ==
        Lines{"accepted usual", "answered", "accepted demand", "accepted usual"});
  CHECK(flow.last_record.id == "r1/usual/1");
  flow.ask_next();
  CHECK(flow.messages() == Lines{"closed"});
  CHECK(status_of(flow.traffic.defer("r1", kInline)) == 404);
}

TEST_CASE("what is deferred has the environment's dead letter, unless it names its own") {
  Flow flow({}, "arn:aws:s3:::bucket/late/");
  flow.deliver("r1");
  flow.respond("r1");
  CHECK(status_of(flow.traffic.defer("r1", kInline)) == 202);
  flow.messages();
  CHECK(flow.last_record.task.dead_letter == "arn:aws:s3:::bucket/late/");
  CHECK(status_of(flow.traffic.defer(
            "r1", R"({"command":["x"],"deadLetter":"arn:aws:s3:::own/"})")) == 202);
  flow.messages();
  CHECK(flow.last_record.task.dead_letter == "arn:aws:s3:::own/");
}

TEST_CASE("a record holds the definition of its task as one form has it") {
  const Task task = command_task("demand", When::always);
  Flow flow({task});
  flow.deliver("r1");
  flow.respond("r1");
  flow.messages();
  CHECK(flow.last_record.definition == task_to_json(task));
  CHECK(status_of(flow.traffic.defer("r1", R"({"task":"demand"})")) == 202);
  flow.messages();
  CHECK(flow.last_record.definition == task_to_json(task));
}

TEST_CASE("without configured tasks a deferral after the answer tells the extension of both") {
  Flow flow({});
  flow.deliver("r1");
  flow.respond("r1");
  CHECK(flow.messages().empty());
  CHECK(status_of(flow.traffic.defer("r1", kInline)) == 202);
  CHECK(status_of(flow.traffic.defer("r1", kInline)) == 202);
  CHECK(flow.messages() == Lines{"answered", "accepted command", "accepted command"});
  CHECK(flow.last_record.id == "r1/command/2");
  flow.ask_next();
  CHECK(flow.flow().work_pending());
}

TEST_CASE("what cannot be kept is not accepted, and uses up no number") {
  Flow flow({});
  flow.deliver("r1");
  CHECK(status_of(flow.traffic.defer("r1", "no task")) == 400);
  CHECK(status_of(flow.traffic.defer("other", kInline)) == 404);
  CHECK(status_of(flow.traffic.defer("r1", kInline)) == 202);
  CHECK(flow.only_record().id == "r1/command/1");
  flow.flow().extension_is(ExtensionState::unavailable);
  CHECK(status_of(flow.traffic.defer("r1", kInline)) == 503);
  CHECK(flow.lost == Lines{"r1/command/1"});
}

TEST_CASE("a spool that cannot take a deferred task is an answer, and nothing is told") {
  Flow flow({});
  flow.deliver("r1");
  flow.break_spool();
  const std::string answer = flow.traffic.defer("r1", kInline);
  CHECK(status_of(answer) == 503);
  CHECK(answer.find("the disk is full") != std::string::npos);
  CHECK(flow.messages().empty());
}

TEST_CASE("a deferred task over the limit is refused with what to do, and keeps nothing") {
  Flow flow({command_task("t", When::success)});
  flow.limit_spool(1000);
  flow.deliver("r1", std::string(900, 'x'));
  const std::string answer = flow.traffic.defer("r1", kInline);
  CHECK(status_of(answer) == 503);
  CHECK(answer.find(R"("type":"SpoolFull")") != std::string::npos);
  CHECK(answer.find("would exceed the 1000 of POSTLUDE_SPOOL_LIMIT; raise it, or") !=
        std::string::npos);
  CHECK(flow.messages().empty());
  // The event is stored already, and goes with its invocation.
  CHECK(flow.spooled() == Lines{"4294967297.event"});
  flow.respond("r1");
  flow.ask_next();
  CHECK(flow.spooled().empty());
}

TEST_CASE("a deferred task is taken as soon as there is room, and its number is the next one") {
  Flow flow({});
  flow.limit_spool(700);
  flow.deliver("r1");
  CHECK(status_of(flow.traffic.defer("r1", kInline)) == 202);
  CHECK(status_of(flow.traffic.defer("r1", kInline)) == 503);
  flow.spool().remove_record(flow.spool().records().value().at(0));  // as the extension does
  CHECK(flow.traffic.defer("r1", kInline).find("r1/command/2") != std::string::npos);
}

TEST_CASE("a question goes to the extension, and its parts become one answer") {
  Flow flow({});
  flow.deliver("r1");
  Replies replies;
  flow.traffic.inspect("current", replies.keep());
  CHECK(flow.messages() == Lines{"inspect"});
  flow.flow().task_states({1, false, {{"r1/a/1", "a", "done", 1}}});
  flow.flow().task_states({7, true, {}});
  CHECK(replies.all.empty());
  flow.flow().task_states({1, true, {{"r1/b/1", "b", "waiting", 2}}});
  flow.flow().task_states({1, true, {}});
  REQUIRE(replies.all.size() == 1);
  CHECK(status_of(replies.all[0]) == 200);
  CHECK(replies.all[0].find(R"("r1/a/1")") < replies.all[0].find(R"("r1/b/1")"));
  CHECK(replies.all[0].find(R"("responded":false)") != std::string::npos);
}

TEST_CASE("a question is answered though nobody is asked, or the extension goes in the meantime") {
  Flow flow({});
  Replies replies;
  flow.traffic.inspect("nobody", replies.keep());
  CHECK(replies.all.empty());
  flow.finish_round();
  REQUIRE(replies.all.size() == 1);
  CHECK(status_of(replies.all[0]) == 404);
  flow.deliver("r1");
  flow.traffic.inspect("r1", replies.keep());
  flow.flow().extension_is(ExtensionState::unavailable);
  CHECK(replies.all.size() == 2);
  flow.traffic.inspect("r1", replies.keep());
  flow.finish_round();
  REQUIRE(replies.all.size() == 3);
  CHECK(status_of(replies.all[2]) == 200);
}

TEST_CASE("a poll waits for the end of an early answer, and is resumed after the round") {
  Flow flow({});
  flow.deliver("r1");
  const auto turn = flow.traffic.answer_head({ExchangeKind::early_response, "current"},
                                             HttpHead("POST / HTTP/1.1\r\n\r\n"));
  CHECK(turn.kind == AnswerTurn::Kind::passes);
  CHECK(turn.request_id == "r1");
  flow.flow().extension_is(ExtensionState::registered);
  const int before = flow.resumed;
  CHECK_FALSE(flow.traffic.may_poll());
  flow.traffic.answer_acknowledged(turn.sequence, 202);
  CHECK(flow.resumed == before);
  flow.finish_round();
  CHECK(flow.resumed == before + 1);
  CHECK(flow.traffic.may_poll());
}
