#include "common/task_json.h"

#include "common/json_text.h"
#include "tests/unit/common/task_equality.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace postlude {
namespace {

using testing::check_same_task;

Task full_task() {
  CommandAction command;
  command.argv = {"bin/report", "", "--name=\xc3\xa9\n", "$${literal}", "${event.id:-none}"};
  command.env = {{"ZED", "1"}, {"ALPHA", ""}};
  command.cwd = "/tmp/x y";
  Task task;
  task.name = "a-full-task-1";
  task.when = When::failure;
  task.timeout = std::chrono::minutes(15);
  task.attempts = 100;
  task.backoff = Millis(1);
  task.replay = false;
  task.match = {{"request.path", {"\"/slack/*\""}},
                {"event['a.b']", {"200", "1.50", "true", "\"x\""}}};
  task.dead_letter = "arn:aws:sqs:eu-west-1:123456789012:late";
  task.action = command;
  return task;
}

Task task_with(Action action) {
  Task task;
  task.name = "a";
  task.action = std::move(action);
  return task;
}

void check_round_trip(const Task& task) {
  const std::string text = task_to_json(task);
  CHECK(check_json(text));
  const auto back = task_from_json(text);
  REQUIRE(back);
  check_same_task(*back, task);
  CHECK(task_to_json(*back) == text);
}

TEST_CASE("a task with every member set survives its JSON form") {
  check_round_trip(full_task());
}

TEST_CASE("the form is the user's own, with every default made explicit") {
  CHECK(task_to_json(full_task()) ==
        R"({"name":"a-full-task-1","trigger":"invocation","when":"failure",)"
        R"("match":{"request.path":"/slack/*","event['a.b']":[200,1.50,true,"x"]},)"
        R"("timeout":"900000ms","attempts":100,"backoff":"1ms","replay":false,)"
        R"("deadLetter":"arn:aws:sqs:eu-west-1:123456789012:late",)"
        R"("command":{"argv":["bin/report","","--name=)"
        "\xc3\xa9"
        R"(\n","$${literal}","${event.id:-none}"],"env":{"ZED":"1","ALPHA":""},)"
        R"("cwd":"/tmp/x y"}})");
  CHECK(task_to_json(task_with(CommandAction{{"true"}, {}, {}})) ==
        R"({"name":"a","trigger":"invocation","when":"success","timeout":"30000ms","attempts":1,)"
        R"("backoff":"200ms","replay":true,"command":{"argv":["true"]}})");
}

TEST_CASE("every action survives its JSON form, bare and with everything") {
  const std::vector<Action> actions{
      CommandAction{{"true"}, {}, {}},
      HttpAction{"POST", "https://x/", {}, {}, {}, {}},
      HttpAction{"PUT",
                 "${event.u}",
                 {{"X-B", "1"}, {"X-A", "\"${env.A}\""}},
                 R"({"z":[1.50,{"a":"${event}"}],"b":9007199254740993})",
                 {},
                 {"x", "*.y"}},
      HttpAction{"POST", "https://x/", {}, {}, "text \xf0\x9f\x98\x80\t", {}},
      HttpAction{"POST", "https://x/", {}, "null", {}, {}},
      SendAction{"arn:aws:sns:eu-west-1:123456789012:t", {}},
      SendAction{"${env.QUEUE}", "null"},
      AwsAction{"dynamodb", "PutItem", "", "", "", "", "", "{}"},
      AwsAction{"x", "Y", "X_1", "1.0", "z", "", "", R"({"n":1e400000})"},
      AwsAction{"ses", "", "", "", "", "POST", "/v2/x", R"({"b":1,"a":2})"},
      HandlerAction{},
      HandlerAction{"\"${event.id}\""},
      HandlerAction{"null"},
  };
  for (const Action& action : actions) {
    const std::string text = task_to_json(task_with(action));
    CAPTURE(text);
    if (text.find("1e400000") == std::string::npos) {
      check_round_trip(task_with(action));
    } else {
      CHECK_FALSE(task_from_json(text));  // no configuration lets such a number in
    }
  }
}

TEST_CASE("every trigger and outcome survives its JSON form") {
  for (const Trigger trigger : {Trigger::invocation, Trigger::demand}) {
    for (const When when : {When::success, When::failure, When::always, When::timeout}) {
      Task task = full_task();
      task.trigger = trigger;
      task.when = when;
      check_round_trip(task);
    }
  }
}

TEST_CASE("JSON texts keep the order of their keys and every digit") {
  const std::string body = R"({"z":12345678901234567890123,"a":[0.10,1E5,-0.0]})";
  const std::string text = task_to_json(task_with(SendAction{"x", body}));
  CHECK(text.find("\"body\":" + body) != std::string::npos);
  CHECK(std::get<SendAction>(task_from_json(text)->action).body == body);
}

TEST_CASE("a member that is missing or of the wrong type is an error that names it") {
  const nlohmann::json good = parse_json(task_to_json(full_task())).value();
  for (const auto& member : good.items()) {
    CAPTURE(member.key());
    nlohmann::json missing = good;
    missing.erase(member.key());
    const auto without = task_from_json(dump_json(missing));
    if (member.key() == "match" || member.key() == "deadLetter") {
      CHECK(without);
    } else {
      REQUIRE_FALSE(without);
      CHECK(without.error().message ==
            (member.key() == "command" ? "the action is missing" : member.key() + " is missing"));
    }
    nlohmann::json wrong = good;
    wrong[member.key()] = nlohmann::json::array({1});
    const auto mistyped = task_from_json(dump_json(wrong));
    REQUIRE_FALSE(mistyped);
    CHECK(mistyped.error().message.find(member.key()) == 0);
  }
}

struct Damage {
  std::string member;
  std::string value;
  std::string error;
};

std::string error_of(const Damage& damage) {
  nlohmann::json value = parse_json(task_to_json(full_task())).value();
  if (damage.member == "http" || damage.member == "send" || damage.member == "aws" ||
      damage.member == "handler") {
    value.erase("command");
  }
  value[damage.member] = parse_json(damage.value).value();
  const auto task = task_from_json(dump_json(value));
  return task ? "" : task.error().message;
}

TEST_CASE("values no configuration could have made are refused") {
  const std::vector<Damage> damages{
      {"name", R"("../x")", "name is not a task name"},
      {"trigger", R"("never")", "trigger has an unknown value"},
      {"when", R"("later")", "when has an unknown value"},
      {"timeout", R"("0ms")", "timeout is not a duration"},
      {"timeout", R"("900001ms")", "timeout is not a duration"},
      {"timeout", "5", "timeout is not a string"},
      {"backoff", R"("-1ms")", "backoff is not a duration"},
      {"attempts", "101", "attempts is not a whole number from 1 to 100"},
      {"attempts", "18446744073709551615", "attempts is not a whole number from 1 to 100"},
      {"attempts", "1.5", "attempts is not a whole number from 1 to 100"},
      {"replay", "1", "replay is not true or false"},
      {"match", "[]", "match is not an object"},
      {"match", R"({"a":null})", "match holds a value that nothing is compared with"},
      {"match", R"({"a":[[]]})", "match holds a value that nothing is compared with"},
      {"deadLetter", "1", "deadLetter is not a string"},
  };
  for (const Damage& damage : damages) {
    CAPTURE(damage.member);
    CAPTURE(damage.value);
    CHECK(error_of(damage) == damage.error);
  }
}

TEST_CASE("damaged actions are refused") {
  const std::vector<Damage> damages{
      {"command", "null", "command: it is not an object"},
      {"command", R"({"argv":[]})", "command: argv names no program"},
      {"command", R"({"argv":["a",1]})", "command: argv holds something else than strings"},
      {"command", R"({"argv":["a"],"env":[]})", "command: env is not an object"},
      {"command",
       R"({"argv":["a"],"env":{"A":1}})",
       "command: env holds something else than strings"},
      {"command", R"({"argv":["a"],"cwd":1})", "command: cwd is not a string"},
      {"http", R"({"url":"x"})", "http: method is missing"},
      {"http", R"({"method":"GET"})", "http: url is missing"},
      {"http",
       R"({"method":"GET","url":"x","headers":{"a":[]}})",
       "http: headers holds something else than strings"},
      {"http", R"({"method":"GET","url":"x","body":1})", "http: body is not a string"},
      {"http", R"({"method":"GET","url":"x","json":1,"body":""})", "http: body stands beside json"},
      {"http", R"({"method":"GET","url":"x","allowHosts":{}})", "http: allowHosts is not an array"},
      {"send", "{}", "send: to is missing"},
      {"aws", R"({"input":{}})", "aws: service is missing"},
      {"aws", R"({"service":"x","input":[]})", "aws: input is not an object"},
      {"aws", R"({"service":"x","operation":1,"input":{}})", "aws: operation is not a string"},
      {"handler", "[]", "handler: it is not an object"},
  };
  for (const Damage& damage : damages) {
    CAPTURE(damage.member);
    CAPTURE(damage.value);
    CHECK(error_of(damage) == damage.error);
  }
}

TEST_CASE("what is no object at all is refused") {
  for (const std::string text : {"null", "1", "\"x\"", "[]"}) {
    const auto task = task_from_json(text);
    REQUIRE_FALSE(task);
    CHECK(task.error().message == "task is not an object");
  }
  CHECK(task_from_json("{").error().message.starts_with("task is not valid JSON: "));
}

TEST_CASE("members a later version may add are ignored") {
  std::string text = task_to_json(full_task());
  text.back() = ',';
  const auto task = task_from_json(text + R"("later":{}})");
  REQUIRE(task);
  check_same_task(*task, full_task());
}

}  // namespace
}  // namespace postlude
