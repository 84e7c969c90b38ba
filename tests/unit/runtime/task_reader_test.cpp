#include "runtime/task_reader.h"

#include "tests/unit/runtime/tasks_cases.h"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace postlude::runtime {
namespace {

using testing::check_tasks_cases;
using testing::parse_valid_task;

const CommandAction& command_of(const Task& task) {
  return std::get<CommandAction>(task.action);
}

TEST_CASE("a task without options has the defaults of the contract") {
  const Task task =
      parse_valid_task(R"([{"name": "report", "command": ["bin/report", "--fast"]}])");
  CHECK(task.name == "report");
  CHECK(task.trigger == Trigger::invocation);
  CHECK(task.when == When::success);
  CHECK(task.timeout == std::chrono::seconds(30));
  CHECK(task.attempts == 1);
  CHECK(task.backoff == Millis(200));
  CHECK(task.replay);
  CHECK(command_of(task).argv == std::vector<std::string>{"bin/report", "--fast"});
  CHECK(command_of(task).env.empty());
  CHECK_FALSE(command_of(task).cwd);
}

TEST_CASE("every option of a task is read") {
  const Task task = parse_valid_task(R"([{
    "name": "a-1", "trigger": "invocation", "when": "failure", "timeout": "2m", "attempts": 100,
    "backoff": "1ms", "replay": false,
    "command": {"argv": ["p", ""], "env": {"B": "2", "A": ""}, "cwd": "sub/folder"}}])");
  CHECK(task.name == "a-1");
  CHECK(task.when == When::failure);
  CHECK(task.timeout == std::chrono::minutes(2));
  CHECK(task.attempts == 100);
  CHECK(task.backoff == Millis(1));
  CHECK_FALSE(task.replay);
  CHECK(command_of(task).argv == std::vector<std::string>{"p", ""});
  using Variables = std::vector<std::pair<std::string, std::string>>;
  CHECK(command_of(task).env == Variables{{"B", "2"}, {"A", ""}});
  CHECK(command_of(task).cwd == "sub/folder");
}

TEST_CASE("a demand task waits for no outcome") {
  CHECK(parse_valid_task(R"([{"name":"a","trigger":"demand","command":["x"]}])").when ==
        When::always);
  const Task task =
      parse_valid_task(R"([{"name":"a","when":"always","trigger":"demand","command":["x"]}])");
  CHECK(task.trigger == Trigger::demand);
  CHECK(task.when == When::always);
}

TEST_CASE("names are short, plain and unique") {
  const std::string pattern =
      ", expected 1 to 63 of a-z, 0-9 and -, beginning with a letter or digit";
  const std::string longest(63, 'a');
  const std::string long_document = R"([{"name":")" + longest + R"(","command":["x"]}])";
  const std::string too_long_document = R"([{"name":"a)" + longest + R"(","command":["x"]}])";
  check_tasks_cases({
      {R"([{"name":"0-a","command":["x"]}])", {}},
      {long_document, {}},
      {too_long_document, {R"(T:1:10: "name" is "a)" + longest + '"' + pattern}},
      {R"([{"name":"","command":["x"]}])", {R"(T:1:10: "name" is "")" + pattern}},
      {R"([{"name":"-a","command":["x"]}])", {R"(T:1:10: "name" is "-a")" + pattern}},
      {R"([{"name":"A","command":["x"]}])", {R"(T:1:10: "name" is "A")" + pattern}},
      {R"([{"name":"a_b","command":["x"]}])", {R"(T:1:10: "name" is "a_b")" + pattern}},
      {R"([{"name":"../x","command":["x"]}])", {R"(T:1:10: "name" is "../x")" + pattern}},
      {R"([{"name":1,"command":["x"]}])", {R"(T:1:10: "name" must be a string, found a number)"}},
      {R"([{"name":null,"command":["x"]}])", {R"(T:1:10: "name" must be a string, found null)"}},
      {R"([{"command":["x"]}])", {R"(T:1:2: the key "name" is missing)"}},
      {"[{\"name\":\"a\",\"command\":[\"x\"]},\n {\"name\":\"a\",\"command\":[\"x\"]},\n"
       " {\"command\":[\"x\"],\"name\":\"a\"}]",
       {R"(T:2:10: "name" is "a", which is taken by the task at 1:10)",
        R"(T:3:26: "name" is "a", which is taken by the task at 1:10)"}},
  });
}

TEST_CASE("trigger and when are words of the contract") {
  check_tasks_cases({
      {R"([{"name":"a","trigger":"invocation","when":"success","command":["x"]}])", {}},
      {R"([{"name":"a","when":"always","command":["x"]}])", {}},
      {R"([{"name":"a","trigger":"demnad","command":["x"]}])",
       {R"(T:1:24: "trigger" is "demnad", did you mean "demand"?)"}},
      {R"([{"name":"a","trigger":"cron","command":["x"]}])",
       {R"(T:1:24: "trigger" is "cron", expected "invocation" or "demand")"}},
      {R"([{"name":"a","trigger":true,"command":["x"]}])",
       {R"(T:1:24: "trigger" must be a string, found true)"}},
      {R"([{"name":"a","when":"error","command":["x"]}])",
       {R"(T:1:21: "when" is "error", expected "success" or "failure" or "always" or "timeout")"}},
      {R"([{"name":"a","when":[],"command":["x"]}])",
       {R"(T:1:21: "when" must be a string, found an array)"}},
      {R"([{"name":"a","when":"timeout","command":["x"]}])", {}},
      {R"([{"name":"a","trigger":"demand","when":"success","command":["x"]}])",
       {R"(T:1:40: "when": "success" is not allowed with "trigger": "demand", which runs whatever )"
        R"(the outcome)"}},
  });
}

TEST_CASE("durations, attempts and replay are held to their ranges") {
  check_tasks_cases({
      {R"([{"name":"a","timeout":"15m","backoff":"1ms","attempts":1,"command":["x"]}])", {}},
      {R"([{"name":"a","timeout":"900s","command":["x"]}])", {}},
      {R"([{"name":"a","timeout":"16m","command":["x"]}])",
       {R"(T:1:24: "timeout" is "16m", expected a duration from 1ms to 15m such as "10s")"}},
      {R"([{"name":"a","timeout":"0ms","command":["x"]}])",
       {R"(T:1:24: "timeout" is "0ms", expected a duration from 1ms to 15m such as "10s")"}},
      {R"([{"name":"a","timeout":"30","command":["x"]}])",
       {R"(T:1:24: "timeout" is "30", expected a duration from 1ms to 15m such as "10s")"}},
      {R"([{"name":"a","timeout":30,"command":["x"]}])",
       {R"(T:1:24: "timeout" must be a duration such as "10s", found a number)"}},
      {R"([{"name":"a","backoff":"1.5s","command":["x"]}])",
       {R"(T:1:24: "backoff" is "1.5s", expected a duration from 1ms to 15m such as "10s")"}},
      {R"([{"name":"a","attempts":0,"command":["x"]}])",
       {R"(T:1:25: "attempts" is 0, expected a whole number from 1 to 100)"}},
      {R"([{"name":"a","attempts":101,"command":["x"]}])",
       {R"(T:1:25: "attempts" is 101, expected a whole number from 1 to 100)"}},
      {R"([{"name":"a","attempts":2.0,"command":["x"]}])",
       {R"(T:1:25: "attempts" is 2.0, expected a whole number from 1 to 100)"}},
      {R"([{"name":"a","attempts":1e1,"command":["x"]}])",
       {R"(T:1:25: "attempts" is 1e1, expected a whole number from 1 to 100)"}},
      {R"([{"name":"a","attempts":99999999999999999999999999999999,"command":["x"]}])",
       {R"(T:1:25: "attempts" is 999999999999999999999999, expected a whole number from 1 to 100)"}},
      {R"([{"name":"a","attempts":"3","command":["x"]}])",
       {R"(T:1:25: "attempts" must be a whole number from 1 to 100, found a string)"}},
      {R"([{"name":"a","replay":"no","command":["x"]}])",
       {R"(T:1:23: "replay" must be true or false, found a string)"}},
      {R"([{"name":"a","replay":0,"command":["x"]}])",
       {R"(T:1:23: "replay" must be true or false, found a number)"}},
  });
}

TEST_CASE("a task has exactly one action") {
  check_tasks_cases({
      {R"([{"name":"a"}])",
       {R"(T:1:2: the action is missing, a task needs one of "command", "http", "send", "aws", )"
        R"("handler")"}},
      {R"([{"name":"a","handler":{},"command":["x"]}])",
       {R"(T:1:27: "command" is a second action beside "handler" at 1:14, a task has exactly one)"}},
      {R"([{"name":"a","command":["x"],"send":{}}])",
       {R"(T:1:30: "send" is a second action beside "command" at 1:14, a task has exactly one)",
        R"(T:1:37: the key "to" is missing)"}},
      {R"([{"name":"a","handlr":{}}])",
       {R"(T:1:14: unknown key "handlr", did you mean "handler"?)"}},
  });
}

TEST_CASE("what goes over a network is tried three times unless the task says otherwise") {
  const std::vector<std::pair<std::string, int>> cases{
      {R"("command":["x"])", 1},
      {R"("handler":{})", 1},
      {R"("http":{"url":"https://x/"})", 3},
      {R"("send":{"to":"arn:aws:s3:::b/"})", 3},
      {R"("aws":{"service":"sqs","operation":"SendMessage"})", 3},
      {R"("attempts":7,"http":{"url":"https://x/"})", 7},
      {R"("http":{"url":"https://x/"},"attempts":1)", 1},
  };
  for (const auto& entry : cases) {
    CAPTURE(entry.first);
    CHECK(parse_valid_task(R"([{"name":"a",)" + entry.first + "}]").attempts == entry.second);
  }
}

TEST_CASE("a dead letter is an ARN of a target, and no template") {
  const Task task = parse_valid_task(
      R"([{"name":"a","command":["x"],"deadLetter":"arn:aws:sqs:eu-west-1:123456789012:q"}])");
  CHECK(task.dead_letter == "arn:aws:sqs:eu-west-1:123456789012:q");
  check_tasks_cases({
      {R"([{"name":"a","command":["x"],"deadLetter":1}])",
       {R"(T:1:43: "deadLetter" must be a string, found a number)"}},
      {R"([{"name":"a","command":["x"],"deadLetter":"${env.Q}"}])",
       {R"(T:1:44: "deadLetter" may hold no template)"}},
      {R"([{"name":"a","command":["x"],"deadLetter":"arn:aws:s3:::bucket"}])",
       {R"(T:1:43: "deadLetter" is "arn:aws:s3:::bucket": an S3 target is a prefix: )"
        R"(arn:aws:s3:::bucket/prefix/)"}},
  });
}

TEST_CASE("long values are cut in messages, between characters") {
  std::string name(127, 'x');
  const Problems problems =
      check_tasks("T", R"([{"name":")" + name + "\xc3\xa9" + R"( more","command":["x"]}])");
  REQUIRE(problems.size() == 1);
  CHECK(problems.front().starts_with(R"(T:1:10: "name" is ")" + name + R"(...", expected)"));
}

}  // namespace
}  // namespace postlude::runtime
