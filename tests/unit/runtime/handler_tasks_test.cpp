// Handler tasks, and tasks that wait for a timeout, in the flow of invocations.
#include "tests/unit/runtime/invocation_flow_fixture.h"

#include <doctest/doctest.h>

#include <fcntl.h>

using namespace postlude;
using namespace postlude::runtime;

namespace {

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

Reenter attempt(const std::string& id, int depth = 1) {
  return {.key = {"r1", numbers_of_generation(1) + 1},
          .request_id = id,
          .deadline = now() + Millis(5000),
          .function_arn = "arn",
          .trace_id = {},
          .tenant_id = std::nullopt,
          .cognito_identity = {},
          .client_context = "{}",
          .event_bytes = 2,
          .depth = depth};
}

int status_of(const std::string& message) {
  return HttpHead(message).status();
}

/// Invocation r1 is answered, and the runtime waits; the extension was told of it.
void wait_for_handlers(Flow& flow) {
  flow.deliver("r1");
  flow.respond("r1");
  flow.ask_next();
  CHECK_FALSE(flow.traffic.may_poll());
  CHECK(flow.messages() == Lines{"answered", "accepted again", "idle"});
}

void serve(Flow& flow, const Reenter& what) {
  flow.flow().reenter(what, one_file());
  REQUIRE(flow.traffic.own_event());
}

AnswerTurn::Kind post(Flow& flow, ExchangeKind kind, const std::string& id) {
  const auto turn = flow.traffic.answer_head(
      {kind, id},
      HttpHead("POST / HTTP/1.1\r\n"
               "Lambda-Runtime-Function-Error-Type: Function.Oops\r\n\r\n"));
  if (turn.kind == AnswerTurn::Kind::handler) {
    flow.traffic.handler_answered();
  }
  return turn.kind;
}

}  // namespace

TEST_CASE("the runtime is held while handler tasks may come, and let go when none does") {
  Flow flow({handler_task("again")});
  flow.flow().extension_is(ExtensionState::registered);
  wait_for_handlers(flow);
  CHECK_FALSE(flow.traffic.own_event());
  flow.flow().handlers_done({{"r1", numbers_of_generation(1) + 1}});
  CHECK(flow.messages() == Lines{"closed"});
  CHECK(flow.traffic.may_poll());
}

TEST_CASE("an attempt goes to the runtime, and its end to the extension") {
  Flow flow({handler_task("again")});
  flow.flow().extension_is(ExtensionState::registered);
  wait_for_handlers(flow);
  serve(flow, attempt("a1"));
  CHECK(post(flow, ExchangeKind::response, "a1") == AnswerTurn::Kind::handler);
  CHECK(flow.messages() == Lines{"ended a1: "});
  CHECK(post(flow, ExchangeKind::response, "a1") == AnswerTurn::Kind::discarded);
  CHECK(flow.messages().empty());
  flow.ask_next();
  CHECK(flow.messages() == Lines{"idle"});
  flow.flow().handlers_done({{"r1", numbers_of_generation(1) + 1}});
  CHECK(flow.messages() == Lines{"closed"});
}

TEST_CASE("an error is a failed attempt, and so are an error trailer and no answer at all") {
  Flow flow({handler_task("again")});
  flow.flow().extension_is(ExtensionState::registered);
  wait_for_handlers(flow);
  serve(flow, attempt("a1"));
  CHECK(post(flow, ExchangeKind::invocation_error, "a1") == AnswerTurn::Kind::handler);
  CHECK(flow.messages() == Lines{"ended a1: the handler failed: Function.Oops"});
  flow.ask_next();
  CHECK(flow.messages() == Lines{"idle"});

  serve(flow, attempt("a2"));
  static_cast<void>(flow.traffic.answer_head({ExchangeKind::response, "a2"},
                                             HttpHead("POST / HTTP/1.1\r\n\r\n")));
  flow.traffic.handler_trailers("Lambda-Runtime-Function-Error-Type: Function.Cut\r\n");
  flow.traffic.handler_answered();
  CHECK(flow.messages() == Lines{"ended a2: the handler failed: Function.Cut"});
  flow.ask_next();
  CHECK(flow.messages() == Lines{"idle"});

  serve(flow, attempt("a3"));
  flow.ask_next();
  CHECK(flow.messages() ==
        Lines{"ended a3: the runtime asked for its next event without an answer", "idle"});
}

TEST_CASE("an attempt can be answered early, once, and is then over") {
  Flow flow({handler_task("again")});
  flow.flow().extension_is(ExtensionState::registered);
  wait_for_handlers(flow);
  serve(flow, attempt("a1"));
  CHECK(post(flow, ExchangeKind::early_response, "current") == AnswerTurn::Kind::handler);
  CHECK(flow.messages() == Lines{"ended a1: "});
  CHECK(post(flow, ExchangeKind::early_response, "a1") == AnswerTurn::Kind::refused);
  CHECK(post(flow, ExchangeKind::response, "a1") == AnswerTurn::Kind::discarded);
}

TEST_CASE("an attempt defers under its own id, to a depth of 8") {
  Flow flow({handler_task("again")});
  flow.flow().extension_is(ExtensionState::registered);
  wait_for_handlers(flow);
  CHECK(status_of(flow.traffic.defer("r1", R"({"task":"again"})")) == 404);
  CHECK(status_of(flow.traffic.defer("current", R"({"task":"again"})")) == 404);
  serve(flow, attempt("a1", 7));
  CHECK(status_of(flow.traffic.defer("current", R"({"task":"again"})")) == 202);
  CHECK(flow.messages() == Lines{"accepted again"});
  CHECK(flow.last_record.id == "a1/again/1");
  CHECK(flow.last_record.key == InvocationKey{"r1", numbers_of_generation(1) + 1});
  CHECK(flow.last_record.depth == 7);
  post(flow, ExchangeKind::response, "a1");
  flow.ask_next();
  flow.messages();
  serve(flow, attempt("a2", 8));
  const std::string refused = flow.traffic.defer("a2", R"({"task":"again"})");
  CHECK(status_of(refused) == 413);
  CHECK(refused.find("TooDeep") != std::string::npos);
}

TEST_CASE("a question about an attempt asks for its own tasks") {
  Flow flow({handler_task("again")});
  flow.flow().extension_is(ExtensionState::registered);
  wait_for_handlers(flow);
  serve(flow, attempt("a1"));
  std::string reply;
  flow.traffic.inspect("current", [&reply](std::string message) { reply = std::move(message); });
  CHECK(flow.messages() == Lines{"inspect"});
  CHECK(flow.last_inspect.key == InvocationKey{"a1", numbers_of_generation(1) + 1});
  flow.flow().task_states({1, true, {}});
  CHECK(reply.find(R"("requestId":"a1")") != std::string::npos);
}

TEST_CASE("an event that got lost on its way is a failed attempt") {
  Flow flow({handler_task("again")});
  flow.flow().extension_is(ExtensionState::registered);
  wait_for_handlers(flow);
  flow.flow().reenter(attempt("a1"), {});
  CHECK(flow.messages() == Lines{"ended a1: its event could not be handed to the runtime", "idle"});
  flow.flow().handlers_done({{"r1", numbers_of_generation(1) + 1}});
  CHECK(flow.messages() == Lines{"closed"});
}

TEST_CASE("a runtime that polls again before it got an attempt is no news to the extension") {
  Flow flow({handler_task("again")});
  flow.flow().extension_is(ExtensionState::registered);
  wait_for_handlers(flow);
  flow.ask_next();
  CHECK(flow.messages().empty());
  CHECK_FALSE(flow.traffic.may_poll());
  flow.flow().reenter(attempt("a1"), one_file());
  flow.ask_next();
  CHECK(flow.messages().empty());
  // Nothing takes it, as where the runtime hung up: its poll does not go up.
  CHECK_FALSE(flow.traffic.may_poll());
  CHECK(flow.traffic.own_event());
}

TEST_CASE("an attempt that is over before the runtime comes is not served") {
  Flow flow({handler_task("again")});
  flow.flow().extension_is(ExtensionState::registered);
  wait_for_handlers(flow);
  Reenter over = attempt("a1");
  over.deadline = now() + Millis(20);
  flow.flow().reenter(over, one_file());
  flow.pass(Millis(40));
  flow.ask_next();
  CHECK_FALSE(flow.traffic.own_event());
  CHECK(flow.messages() == Lines{"ended a1: its time was over before the runtime took it", "idle"});
  serve(flow, attempt("a2"));
  CHECK(post(flow, ExchangeKind::response, "a2") == AnswerTurn::Kind::handler);
}

TEST_CASE("one attempt at a time is in the runtime, whatever the extension says") {
  Flow flow({handler_task("again")});
  flow.flow().extension_is(ExtensionState::registered);
  wait_for_handlers(flow);
  serve(flow, attempt("a1"));
  flow.flow().reenter(attempt("a2"), one_file());
  CHECK_FALSE(flow.traffic.own_event());
  CHECK(flow.messages() == Lines{"ended a2: its event could not be handed to the runtime"});
  CHECK(post(flow, ExchangeKind::response, "a1") == AnswerTurn::Kind::handler);
}

TEST_CASE("a poll that went up before the answer was acknowledged leaves no time for handlers") {
  Flow flow({handler_task("again")});
  flow.flow().extension_is(ExtensionState::registered);
  flow.deliver("r1");
  const auto sequence = flow.begin(ExchangeKind::response, "r1", "{}");
  flow.ask_next();
  CHECK(flow.traffic.may_poll());
  flow.traffic.poll_went_up();
  flow.traffic.answer_acknowledged(sequence, 202);
  CHECK(flow.messages() == Lines{"answered", "accepted again", "closed"});
}

TEST_CASE("an answer to an attempt that comes after the next poll does not go to the platform") {
  Flow flow({handler_task("again")});
  flow.flow().extension_is(ExtensionState::registered);
  wait_for_handlers(flow);
  serve(flow, attempt("a1"));
  flow.ask_next();
  CHECK(post(flow, ExchangeKind::response, "a1") == AnswerTurn::Kind::discarded);
}

TEST_CASE("the answer of an attempt that begins first is the one that counts") {
  Flow flow({handler_task("again")});
  flow.flow().extension_is(ExtensionState::registered);
  wait_for_handlers(flow);
  serve(flow, attempt("a1"));
  const auto begin = [&flow](ExchangeKind kind) {
    return flow.traffic
        .answer_head({kind, "a1"},
                     HttpHead("POST / HTTP/1.1\r\n"
                              "Lambda-Runtime-Function-Error-Type: Function.Oops\r\n\r\n"))
        .kind;
  };
  CHECK(begin(ExchangeKind::early_response) == AnswerTurn::Kind::handler);
  CHECK(begin(ExchangeKind::invocation_error) == AnswerTurn::Kind::waits);
  // Cut: the other takes its place.
  flow.traffic.handler_cut();
  flow.finish_round();
  CHECK(flow.resumed > 0);
  CHECK(begin(ExchangeKind::response) == AnswerTurn::Kind::handler);
  CHECK(begin(ExchangeKind::invocation_error) == AnswerTurn::Kind::waits);
  flow.traffic.handler_answered();
  CHECK(flow.messages() == Lines{"ended a1: "});
  CHECK(begin(ExchangeKind::invocation_error) == AnswerTurn::Kind::discarded);
}

TEST_CASE("an extension that is found dead while it is told of the runtime's poll") {
  Flow flow({handler_task("again")});
  flow.flow().extension_is(ExtensionState::registered);
  flow.lose_with_flow();
  flow.deliver("r1");
  flow.kill_extension();
  flow.respond("r1");
  flow.ask_next();
  flow.finish_round();
  CHECK(flow.flow().idle());
  CHECK(flow.traffic.may_poll());
  CHECK_FALSE(flow.flow().work_pending());
}

TEST_CASE("an extension that is found dead while an invocation is closed") {
  Flow flow({command_task("t", When::success)});
  flow.flow().extension_is(ExtensionState::refused);
  flow.lose_with_flow();
  flow.deliver("r1");
  flow.respond("r1");
  flow.kill_extension();
  flow.ask_next();
  flow.finish_round();
  CHECK(flow.flow().idle());
  CHECK(flow.lost == Lines{"r1/t/1"});
  CHECK(flow.traffic.may_poll());
  CHECK_FALSE(flow.flow().work_pending());
}

TEST_CASE("without an extension nobody waits for handler tasks") {
  Flow flow({handler_task("again")});
  flow.flow().extension_is(ExtensionState::registered);
  wait_for_handlers(flow);
  flow.flow().reenter(attempt("a1"), one_file());
  flow.flow().extension_is(ExtensionState::unavailable);
  CHECK_FALSE(flow.traffic.own_event());
  CHECK(flow.traffic.may_poll());
  CHECK(flow.flow().idle());
}

TEST_CASE("a runtime that dies in an attempt ends the invocation whose answer was taken") {
  Flow flow({handler_task("again")});
  flow.flow().extension_is(ExtensionState::registered);
  wait_for_handlers(flow);
  serve(flow, attempt("a1"));
  flow.flow().runtime_died({ExitStatus::Kind::exited, 3});
  CHECK(flow.messages() == Lines{"closed"});
  CHECK(flow.flow().work_pending());
}

TEST_CASE("carried handler tasks hold the runtime in the next invocation too") {
  Flow flow({});
  flow.flow().extension_is(ExtensionState::registered);
  flow.flow().settled({{"r0", 0}, 1, 1});
  flow.deliver("r1");
  flow.respond("r1");
  CHECK(flow.messages() == Lines{"answered"});
  flow.ask_next();
  CHECK(flow.messages() == Lines{"idle"});
}

TEST_CASE("shortly before the deadline, tasks that wait for a timeout start without an answer") {
  Flow flow({command_task("slow", When::timeout), command_task("good", When::success)});
  flow.deliver("r1", "{}", Millis(1050));
  flow.wait_for_messages();
  CHECK(flow.messages() == Lines{"accepted slow at once"});
  CHECK(flow.last_record.bodies.response.empty());
  CHECK(flow.last_record.work_deadline < flow.last_record.deadline);
  flow.respond("r1");
  CHECK(flow.messages() == Lines{"answered", "accepted good"});
}

TEST_CASE("an answer in time leaves nothing to the timeout") {
  Flow flow({command_task("slow", When::timeout)});
  flow.deliver("r1", "{}", Millis(300));
  flow.respond("r1");
  flow.ask_next();
  CHECK(flow.messages() == Lines{"closed"});
  flow.pass(Millis(400));
  CHECK(flow.messages().empty());
}

TEST_CASE(
    "an attempt that a dead extension offered is withdrawn, and its successor asked for one") {
  Flow flow({handler_task("again")});
  flow.flow().extension_is(ExtensionState::registered);
  wait_for_handlers(flow);
  flow.flow().reenter(attempt("a1"), one_file());
  flow.replace_extension();
  CHECK_FALSE(flow.traffic.own_event());
  CHECK(flow.messages() == Lines{"answered", "idle"});
  serve(flow, attempt("a2"));
  CHECK(post(flow, ExchangeKind::response, "a2") == AnswerTurn::Kind::handler);
  CHECK(flow.messages() == Lines{"ended a2: "});
}

TEST_CASE("an attempt in the runtime outlives its extension, and its end is of no interest") {
  for (const bool answers : {true, false}) {
    CAPTURE(answers);
    Flow flow({handler_task("again")});
    flow.flow().extension_is(ExtensionState::registered);
    wait_for_handlers(flow);
    serve(flow, attempt("a1"));
    flow.replace_extension();
    CHECK(flow.messages() == Lines{"answered"});
    if (answers) {
      CHECK(post(flow, ExchangeKind::response, "a1") == AnswerTurn::Kind::handler);
      CHECK(flow.messages().empty());
    }
    flow.ask_next();
    CHECK(flow.messages() == Lines{"idle"});
    CHECK_FALSE(flow.traffic.may_poll());
    serve(flow, attempt("a2"));
    CHECK(post(flow, ExchangeKind::response, "a2") == AnswerTurn::Kind::handler);
    CHECK(flow.messages() == Lines{"ended a2: "});
  }
}
