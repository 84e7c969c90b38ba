#include "runtime/send_config.h"

#include "tests/unit/runtime/tasks_cases.h"

#include <doctest/doctest.h>

#include <string>
#include <variant>

namespace postlude::runtime {
namespace {

using testing::parse_valid_task;

constexpr const char* kQueue = "arn:aws:sqs:eu-west-1:123456789012:q";

template <class Kind>
Kind action_of(const std::string& action) {
  return std::get<Kind>(parse_valid_task(R"([{"name":"a",)" + action + "}]").action);
}

std::string said_about(const std::string& action) {
  return testing::joined(check_tasks("T", R"([{"name":"a",)" + action + "}]"));
}

TEST_CASE("a message goes to an ARN, with the task document unless it has a body") {
  const std::string to = std::string(R"("to":")") + kQueue + '"';
  CHECK(action_of<SendAction>(R"("send":{)" + to + "}").to == kQueue);
  CHECK_FALSE(action_of<SendAction>(R"("send":{)" + to + "}").body);
  CHECK(action_of<SendAction>(R"("send":{"body":{"b":1.0,"a":["${event}"]},)" + to + "}").body ==
        R"({"b":1.0,"a":["${event}"]})");
  CHECK(action_of<SendAction>(R"("send":{"body":null,)" + to + "}").body == "null");
}

TEST_CASE("an ARN is checked at once, one from a template when the task runs") {
  CHECK(action_of<SendAction>(R"("send":{"to":"${env.QUEUE}"})").to == "${env.QUEUE}");
  CHECK(said_about(R"("send":{"to":"arn:aws:sqs:${env.AWS_REGION}:1:q"})") == "");
  CHECK(said_about(R"("send":{"to":"arn:aws:s3:::b"})") ==
        "T:1:27: \"to\" is \"arn:aws:s3:::b\": an S3 target is a prefix: "
        "arn:aws:s3:::bucket/prefix/\n");
  CHECK(said_about(R"("send":{"to":"${env}"})") == "T:1:33: template: expected a name: env.NAME\n");
  CHECK(said_about(R"("send":{"to":1})") == "T:1:27: \"to\" must be an ARN, found a number\n");
}

TEST_CASE("what a message lacks is named") {
  CHECK(said_about(R"("send":{})") == "T:1:21: the key \"to\" is missing\n");
  CHECK(said_about(R"("send":{"bdy":1})") ==
        "T:1:21: the key \"to\" is missing\nT:1:22: unknown key \"bdy\", did you mean \"body\"?\n");
  CHECK(
      said_about(R"("send":"x")") ==
      "T:1:21: \"send\" must be an object such as {\"to\": \"arn:aws:sqs:...\"}, found a string\n");
}

TEST_CASE("the handler is called with an event of any kind, or the task document") {
  CHECK_FALSE(action_of<HandlerAction>(R"("handler":{})").event);
  CHECK(action_of<HandlerAction>(R"("handler":{"event":{"b":1,"a":"${event.id}"}})").event ==
        R"({"b":1,"a":"${event.id}"})");
  CHECK(action_of<HandlerAction>(R"("handler":{"event":null})").event == "null");
  CHECK(said_about(R"("handler":null)") ==
        "T:1:24: \"handler\" must be {} or {\"event\": ...}, found null\n");
  CHECK(said_about(R"("handler":{"evnt":1})") ==
        "T:1:25: unknown key \"evnt\", did you mean \"event\"?\n");
}

}  // namespace
}  // namespace postlude::runtime
