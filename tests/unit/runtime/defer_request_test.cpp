#include "runtime/defer_request.h"

#include "runtime/task_config.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

using namespace postlude;
using namespace postlude::runtime;

namespace {

std::vector<Task> configured() {
  return parse_tasks("test",
                     R"([{"name":"mail","trigger":"demand","command":["bin/mail"],"attempts":3},
                         {"name":"audit","command":["bin/audit"]}])")
      .value();
}

DeferRequest accepted(std::string_view body) {
  auto request = parse_defer_request(body, configured());
  REQUIRE_MESSAGE(request.has_value(), (request ? "" : request.error().message));
  return std::move(*request);
}

std::string refused(std::string_view body) {
  const auto request = parse_defer_request(body, configured());
  return request ? "accepted"
                 : std::to_string(request.error().status) + " " +
                       std::string(request.error().type) + ": " + request.error().message;
}

}  // namespace

TEST_CASE("a configured task is deferred by its name, with the payload as it was written") {
  const DeferRequest request =
      accepted(R"( {"task":"mail", "payload": {"to": "a", "n": 1.50 } } )");
  CHECK(request.task.name == "mail");
  CHECK(request.task.attempts == 3);
  CHECK(request.payload == R"({"to": "a", "n": 1.50 })");
  CHECK(accepted(R"({"task":"audit"})").payload == "null");
  CHECK(accepted(R"({"payload":"x","task":"mail"})").payload == "\"x\"");
}

TEST_CASE("an inline task needs no name, and runs whatever the outcome") {
  const DeferRequest request =
      accepted(R"({"command":["echo","hi"],"timeout":"2s","payload":[1]})");
  CHECK(request.task.name == "command");
  CHECK(request.task.trigger == Trigger::demand);
  CHECK(request.task.when == When::always);
  CHECK(request.task.timeout == Millis(2000));
  CHECK(std::get<CommandAction>(request.task.action).argv.at(1) == "hi");
  CHECK(request.payload == "[1]");
  CHECK(accepted(R"({"name":"own","command":["x"]})").task.name == "own");
}

TEST_CASE("what cannot be a task is refused with the reason") {
  CHECK(refused("") ==
        "400 MalformedTask: the body is no task: offset 0: unexpected end of input; "
        "expected a value");
  CHECK(refused("[]") == "400 MalformedTask: the body is no task: expected an object");
  CHECK(refused(R"({"task":"mai"})") ==
        R"(404 UnknownTask: no task "mai" in POSTLUDE_TASKS, did you mean "mail"?)");
  CHECK(refused(R"({"task":"other"})") ==
        R"(404 UnknownTask: no task "other" in POSTLUDE_TASKS; there is "mail", "audit")");
  CHECK(refused(R"({"task":7})") ==
        "400 MalformedTask: \"task\" must be the name of a task, found a number");
  CHECK(refused(R"({"task":"mail","timeout":"1s"})") ==
        R"(400 MalformedTask: beside "task" there may only be "payload": the rest is configured)");
  CHECK(
      refused(R"({"payload":1})") ==
      R"(400 MalformedTask: the action is missing, a task needs one of "command", "http", "send", "aws", "handler")");
  CHECK(refused(R"({"comand":["x"]})").find(R"(did you mean "command"?)") != std::string::npos);
  CHECK(
      refused(R"({"command":["x"],"when":"failure","match":{}})") ==
      R"(400 MalformedTask: "when" is not allowed in a deferred task; "match" is not allowed in a deferred task)");
  CHECK(refused(R"({"command":["x"],"payload":1,"payload":2})") ==
        "400 MalformedTask: the key \"payload\" comes twice");
}

TEST_CASE("an inline task of every kind is called as its action") {
  for (const auto& [name, action] : std::vector<std::pair<std::string, std::string>>{
           {"command", R"(["x","${payload.a}"])"},
           {"http", R"({"url":"${payload.url}","allowHosts":["hooks.slack.com"]})"},
           {"send", R"({"to":"arn:aws:s3:::b/","body":"${payload}"})"},
           {"aws", R"({"service":"sqs","operation":"SendMessage","input":{"a":"${env.Q}"}})"},
           {"handler", R"({"event":{"id":"${context.id}","s":"${secret['a']}${ssm['/b']}"}})"}}) {
    const DeferRequest request =
        accepted(fmt::format(R"({{"{}":{},"payload":{{}}}})", name, action));
    CHECK(request.task.name == name);
    CHECK(request.task.trigger == Trigger::demand);
    CHECK(request.task.when == When::always);
    CHECK(request.task.attempts == (name == "command" || name == "handler" ? 1 : 3));
  }
}

TEST_CASE("an inline task is held to the rules of configured ones") {
  CHECK(
      refused(R"({"http":{"url":"https://x${payload.host}","methodx":"GET"}})") ==
      R"(400 MalformedTask: unknown key "methodx", did you mean "method"?; "url": a template is part )"
      R"(of its host, which needs "allowHosts" such as ["hooks.slack.com"] (a literal host ends with )"
      R"("/" before the template))");
  CHECK(refused(R"({"handler":{"event":"${payload"}})") ==
        R"(400 MalformedTask: template: "${" without its "}" (a literal one is written "$${"))");
}

TEST_CASE("an inline task refers to nothing of the invocation, fallback or not") {
  for (const std::string& reference : std::vector<std::string>{
           "event.a", "request", "response.body", "error", "event.a:-x", "request.path:-x"}) {
    const std::string source = reference.substr(0, reference.find(":-"));
    CHECK(refused(R"({"command":["x","${)" + reference + R"(}"]})") ==
          "400 MalformedTask: template: " + source +
              ": a task in a request may refer to payload, context, env, secret and ssm: put the "
              "value into its payload");
  }
}

TEST_CASE("a payload has its limit, which the definition does not count for") {
  const auto body = [](std::size_t size) {
    return R"({"task":"mail","payload":")" + std::string(size - 2, 'x') + "\"}";
  };
  CHECK(accepted(body(kMaxPayloadBytes)).payload.size() == kMaxPayloadBytes);
  CHECK(refused(body(kMaxPayloadBytes + 1)).starts_with("413 PayloadTooLarge: "));
}
