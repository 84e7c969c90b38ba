// Managed Instances: invocations overlap, and a worker may poll before its handler is done.
#include "tests/unit/runtime/invocation_flow_fixture.h"

#include <doctest/doctest.h>

#include <fcntl.h>

using namespace postlude;
using namespace postlude::runtime;

namespace {

struct OverlapFlow : Flow {
  explicit OverlapFlow(std::vector<Task> tasks) : Flow(std::move(tasks)) {
    flow().expect_overlap();
    flow().extension_is(ExtensionState::registered);
  }

  /// A worker's poll: true if it goes up at once.
  bool poll() {
    traffic.poll_asked(ExchangeKind::next);
    return !traffic.own_event() && traffic.may_poll();
  }
};

Task handler_task(std::string name) {
  Task task = command_task(std::move(name), When::success);
  task.action = HandlerAction{};
  return task;
}

std::vector<UniqueFd> one_file() {
  std::vector<UniqueFd> files;
  files.emplace_back(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0));
  return files;
}

Reenter attempt(const InvocationKey& host, const std::string& id, Millis time = Millis(5000)) {
  Reenter reenter;
  reenter.key = host;
  reenter.request_id = id;
  reenter.deadline = now() + time;
  reenter.client_context = "{}";
  reenter.event_bytes = 2;
  return reenter;
}

int status_of(const std::string& message) {
  return HttpHead(message).status();
}

}  // namespace

TEST_CASE("a poll ends no invocation, and none is held for work") {
  OverlapFlow flow({command_task("work", When::success)});
  flow.deliver("r1");
  CHECK(flow.poll());
  flow.deliver("r2");
  CHECK(flow.poll());
  CHECK(flow.messages().empty());
  flow.respond("r1");
  CHECK(flow.messages() == Lines{"answered", "accepted work", "closed"});
  CHECK(flow.last_closed.key.request_id == "r1");
  CHECK(flow.poll());
  flow.respond("r2");
  CHECK(flow.messages() == Lines{"answered", "accepted work", "closed"});
  CHECK(flow.last_closed.key.request_id == "r2");
  CHECK(flow.poll());
}

TEST_CASE("the first polls wait for the registration, as everywhere") {
  Flow flow({});
  flow.flow().expect_overlap();
  flow.traffic.poll_asked(ExchangeKind::next);
  CHECK_FALSE(flow.traffic.may_poll());
  flow.flow().extension_is(ExtensionState::registered);
  CHECK(flow.traffic.may_poll());
}

TEST_CASE("a handler that works on behind its answer defers until its deadline") {
  OverlapFlow flow({command_task("work", When::failure)});
  flow.deliver("r1", "{}", Millis(400));
  flow.deliver("r2");
  flow.respond("r1");
  CHECK(flow.messages() == Lines{"closed"});
  const std::string inline_task = R"({"command":["true"]})";
  for (int count = 1; count <= 2; ++count) {
    CHECK(status_of(flow.traffic.defer("r1", inline_task)) == 202);
    const Lines messages = flow.messages();
    REQUIRE(messages.size() == 3);
    CHECK(messages[0] == "answered");
    CHECK(messages[2] == "closed");
    CHECK(flow.last_closed.key == flow.last_record.key);
    CHECK(flow.last_record.id.ends_with("/" + std::to_string(count)));
  }
  CHECK(flow.last_record.key.request_id == "r1");
  flow.pass(Millis(450));
  CHECK(status_of(flow.traffic.defer("r1", inline_task)) == 404);
  CHECK(flow.messages().empty());
  CHECK(status_of(flow.traffic.defer("r2", inline_task)) == 202);
}

TEST_CASE("the end of an invocation's tasks is not that of the task that its handler defers then") {
  OverlapFlow flow({command_task("work", When::success)});
  flow.deliver("r1");
  flow.respond("r1");
  CHECK(status_of(flow.traffic.defer("r1", R"({"command":["true"]})")) == 202);
  flow.messages();
  const InvocationKey key = flow.last_closed.key;
  flow.flow().settled({key, 0, 0});
  CHECK(flow.flow().work_pending());
  CHECK(flow.journal().handed_over_any());
  flow.flow().settled({key, 0, 0});
  CHECK_FALSE(flow.flow().work_pending());
  CHECK_FALSE(flow.journal().handed_over_any());
}

TEST_CASE("`current` names the only invocation there is, and never guesses") {
  OverlapFlow flow({});
  const std::string inline_task = R"({"command":["true"]})";
  flow.deliver("r1");
  CHECK(status_of(flow.traffic.defer("current", inline_task)) == 202);
  flow.respond("r1");
  CHECK(status_of(flow.traffic.defer("current", inline_task)) == 202);
  flow.deliver("r2");
  CHECK(status_of(flow.traffic.defer("current", inline_task)) == 409);
}

TEST_CASE(
    "an invocation without an answer by its deadline has failed, and its late answer passes") {
  OverlapFlow flow({command_task("failed", When::failure)});
  flow.deliver("r1", "{}", Millis(200));
  flow.deliver("r2");
  flow.wait_for_messages();
  CHECK(flow.messages() == Lines{"answered", "accepted failed", "closed"});
  CHECK(flow.last_record.key.request_id == "r1");
  CHECK(flow.file(flow.last_record.bodies.error).find("Sandbox.Timedout") != std::string::npos);
  const auto turn =
      flow.traffic.answer_head({ExchangeKind::response, "r1"}, HttpHead("POST / HTTP/1.1\r\n\r\n"));
  CHECK(turn.kind == AnswerTurn::Kind::passes);
  CHECK(turn.sequence == 0);
  flow.respond("r2");
  CHECK(flow.messages() == Lines{"closed"});
}

TEST_CASE(
    "what the runtime answers after an early answer is discarded, though others are in flight") {
  OverlapFlow flow({});
  flow.deliver("r1");
  flow.deliver("r2");
  const auto sequence = flow.begin(ExchangeKind::early_response, "r1", "1");
  REQUIRE(sequence != 0);
  CHECK(flow.poll());
  flow.traffic.answer_acknowledged(sequence, 202);
  CHECK(flow.messages() == Lines{"closed"});
  const auto turn =
      flow.traffic.answer_head({ExchangeKind::response, "r1"}, HttpHead("POST / HTTP/1.1\r\n\r\n"));
  CHECK(turn.kind == AnswerTurn::Kind::discarded);
}

TEST_CASE("one poll is kept back while a handler task may come, and the others go up") {
  OverlapFlow flow({handler_task("again")});
  flow.deliver("r1");
  flow.respond("r1");
  CHECK(flow.messages() == Lines{"answered", "accepted again"});
  CHECK_FALSE(flow.poll());
  CHECK(flow.messages() == Lines{"idle"});
  CHECK(flow.poll());
  CHECK(flow.messages().empty());
  flow.flow().handlers_done({flow.last_record.key});
  CHECK(flow.messages() == Lines{"closed"});
  CHECK(flow.resumed > 0);
  CHECK(flow.traffic.may_poll());
}

TEST_CASE("an attempt goes to the poll that was kept back, and is over with its answer") {
  OverlapFlow flow({handler_task("again")});
  flow.deliver("r1");
  flow.respond("r1");
  CHECK_FALSE(flow.poll());
  flow.messages();
  const InvocationKey host = flow.last_record.key;
  flow.flow().reenter(attempt(host, "a1"), one_file());
  CHECK(flow.traffic.own_event());
  // Other workers are not kept waiting by it, and their polls do not end it.
  CHECK(flow.poll());
  CHECK(flow.poll());
  CHECK(flow.messages().empty());
  const auto turn =
      flow.traffic.answer_head({ExchangeKind::response, "a1"}, HttpHead("POST / HTTP/1.1\r\n\r\n"));
  CHECK(turn.kind == AnswerTurn::Kind::handler);
  flow.traffic.handler_answered();
  CHECK(flow.messages() == Lines{"ended a1: "});
  CHECK_FALSE(flow.poll());
  CHECK(flow.messages() == Lines{"idle"});
  flow.flow().handlers_done({host});
  CHECK(flow.messages() == Lines{"closed"});
}

TEST_CASE("an attempt that no worker takes or answers in its time is over, and others may come") {
  OverlapFlow flow({handler_task("again")});
  flow.deliver("r1");
  flow.respond("r1");
  CHECK_FALSE(flow.poll());
  flow.messages();
  const InvocationKey host = flow.last_record.key;
  flow.flow().reenter(attempt(host, "a1", Millis(50)), one_file());
  flow.pass(Millis(60));
  CHECK(flow.poll());  // the one that was kept back still waits
  CHECK(flow.messages() == Lines{"ended a1: it had no answer in its time", "idle"});
  flow.flow().reenter(attempt(host, "a2", Millis(50)), one_file());
  REQUIRE(flow.traffic.own_event());
  flow.pass(Millis(60));
  CHECK_FALSE(flow.poll());
  CHECK(flow.messages() == Lines{"ended a2: it had no answer in its time", "idle"});
}

TEST_CASE("an invocation whose handler tasks nobody can run is closed at its work deadline") {
  OverlapFlow flow({handler_task("again")});
  flow.deliver("r1", "{}", Millis(500));
  flow.respond("r1");
  CHECK(flow.messages() == Lines{"answered", "accepted again"});
  flow.wait_for_messages();
  CHECK(flow.messages() == Lines{"closed"});
  CHECK(flow.poll());
}
