#include "runtime/task_config.h"

#include "common/json_positions.h"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace postlude::runtime {
namespace {

std::vector<Task> parse(std::string_view text) {
  auto tasks = parse_tasks("T", text);
  const std::string problem = tasks ? std::string() : tasks.error().front();
  REQUIRE(problem == "");
  return std::move(*tasks);
}

Task parse_one(std::string_view text) {
  std::vector<Task> tasks = parse(text);
  REQUIRE(tasks.size() == 1);
  return std::move(tasks.front());
}

const CommandAction& command_of(const Task& task) {
  return std::get<CommandAction>(task.action);
}

/// One document and all that is said about it; nothing if it is valid.
struct Case {
  std::string_view document;
  Problems problems;
};

/// One string, so that a failure shows it.
std::string joined(const Problems& problems) {
  std::string lines;
  for (const std::string& problem : problems) {
    lines += problem + "\n";
  }
  return lines;
}

void check(const std::vector<Case>& cases) {
  for (const Case& entry : cases) {
    CAPTURE(entry.document);
    CHECK(joined(check_tasks("T", entry.document)) == joined(entry.problems));
    CHECK(parse_tasks("T", entry.document).has_value() == entry.problems.empty());
  }
}

TEST_CASE("a task without options has the defaults of the contract") {
  const Task task = parse_one(R"([{"name": "report", "command": ["bin/report", "--fast"]}])");
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
  const Task task = parse_one(R"([{
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

TEST_CASE("tasks keep their order, in both forms of the document") {
  for (const std::string_view text :
       {R"([{"name":"b","command":["x"]},{"name":"a","command":["y"]}])",
        R"({"version":1,"tasks":[{"name":"b","command":["x"]},{"name":"a","command":["y"]}]})",
        R"( {"tasks":[{"name":"b","command":["x"]},{"name":"a","command":["y"]}],"version":1} )",
        "\xef\xbb\xbf[{\"name\":\"b\",\"command\":[\"x\"]},{\"name\":\"a\",\"command\":[\"y\"]}"
        "]"}) {
    const std::vector<Task> tasks = parse(text);
    REQUIRE(tasks.size() == 2);
    CHECK(tasks[0].name == "b");
    CHECK(tasks[1].name == "a");
  }
}

TEST_CASE("no tasks at all is a valid document") {
  CHECK(parse("[]").empty());
  CHECK(parse(R"({"version": 1, "tasks": []})").empty());
}

TEST_CASE("a demand task waits for no outcome") {
  CHECK(parse_one(R"([{"name":"a","trigger":"demand","command":["x"]}])").when == When::always);
  const Task task =
      parse_one(R"([{"name":"a","when":"always","trigger":"demand","command":["x"]}])");
  CHECK(task.trigger == Trigger::demand);
  CHECK(task.when == When::always);
}

TEST_CASE("an escaped dollar becomes the literal text of a template") {
  const Task task =
      parse_one(R"([{"name":"a","command":{"argv":["$${a}","$$${b}","$","$$","$a","{}"],)"
                R"("env":{"V":"x$${c}"},"cwd":"/$${d}"}}])");
  CHECK(command_of(task).argv == std::vector<std::string>{"${a}", "$${b}", "$", "$$", "$a", "{}"});
  CHECK(command_of(task).env.front().second == "x${c}");
  CHECK(command_of(task).cwd == "/${d}");
}

TEST_CASE("the document is an array, or version 1 of the object") {
  const std::string expected =
      R"(the document must be an array of tasks or {"version": 1, "tasks": [...]}, found )";
  check({
      {"[]", {}},
      {"3", {"T:1:1: " + expected + "a number"}},
      {" \"x\"", {"T:1:2: " + expected + "a string"}},
      {"\nnull", {"T:2:1: " + expected + "null"}},
      {"true", {"T:1:1: " + expected + "true"}},
      {"{}", {R"(T:1:1: the key "version" is missing)", R"(T:1:1: the key "tasks" is missing)"}},
      {R"({"tasks":[]})", {R"(T:1:1: the key "version" is missing)"}},
      {R"({"version":1})", {R"(T:1:1: the key "tasks" is missing)"}},
      {R"({"version":2,"tasks":[]})", {R"(T:1:12: "version" is 2, expected 1)"}},
      {R"({"version":1.0,"tasks":[]})", {R"(T:1:12: "version" is 1.0, expected 1)"}},
      {R"({"version":"1","tasks":[]})", {R"(T:1:12: "version" must be 1, found a string)"}},
      {R"({"version":1,"tasks":{}})", {R"(T:1:22: "tasks" must be an array, found an object)"}},
      {R"({"version":1,"task":[]})", {R"(T:1:14: unknown key "task", did you mean "tasks"?)"}},
      {R"({"version":1,"tasks":[],"x":0})", {R"(T:1:25: unknown key "x")"}},
      {R"({"version":1,"tasks":[],"version":1})",
       {R"(T:1:25: duplicate key "version", the first is at 1:2)"}},
      {R"({"name":"a","command":["x"]})",
       {"T:1:1: expected an array of tasks, found one task: put it in [ ]"}},
      {R"([1, []])",
       {"T:1:2: a task must be an object, found a number",
        "T:1:5: a task must be an object, found an array"}},
      {"[{}]",
       {R"(T:1:2: the key "name" is missing)",
        R"(T:1:2: the action is missing, a task needs the key "command")"}},
  });
}

TEST_CASE("text that is not JSON is located") {
  check({
      {"", {"T:1:1: not valid JSON: empty"}},
      {R"([{"name":"a","command":["x"]},])",
       {"T:1:31: not valid JSON: unexpected ']'; expected a value"}},
      {"[{\"name\":\"a\"\n \"command\":[\"x\"]}]",
       {"T:2:2: not valid JSON: unexpected a string; expected ',' or '}'"}},
      {R"([{'name':'a'}])", {"T:1:3: not valid JSON: invalid literal"}},
      {R"([{"name":"a)", {"T:1:10: not valid JSON: invalid string: missing closing quote"}},
      {R"([{"name":"\udc00"}])",
       {"T:1:16: not valid JSON: invalid string: surrogate U+DC00..U+DFFF must follow "
        "U+D800..U+DBFF"}},
      {R"([{"attempts":1e999}])", {"T:1:14: not valid JSON: a number is too large"}},
  });
}

TEST_CASE("unknown keys are problems, with a guess where one is near") {
  check({
      {R"([{"name":"demo", "comand":["x"]}])",
       {R"(T:1:18: unknown key "comand", did you mean "command"?)"}},
      {R"([{"nmae":"a","command":["x"]}])", {R"(T:1:3: unknown key "nmae", did you mean "name"?)"}},
      {R"([{"name":"a","Command":["x"]}])",
       {R"(T:1:14: unknown key "Command", did you mean "command"?)"}},
      {R"([{"name":"a","command":["x"],"timeOut":"1s","attemps":2}])",
       {R"(T:1:30: unknown key "timeOut", did you mean "timeout"?)",
        R"(T:1:45: unknown key "attemps", did you mean "attempts"?)"}},
      {R"([{"name":"a","command":["x"],"retries":2}])", {R"(T:1:30: unknown key "retries")"}},
      {R"([{"name":"a","command":["x"],"":2}])", {R"(T:1:30: unknown key "")"}},
      {R"([{"name":"a","command":["x"],"a\"\nb":2}])", {R"(T:1:30: unknown key "a\"\nb")"}},
      {R"([{"name":"a","command":{"arg":["x"]}}])",
       {R"(T:1:25: unknown key "arg", did you mean "argv"?)"}},
      {R"([{"name":"a","command":{"argv":["x"],"shell":true}}])",
       {R"(T:1:38: unknown key "shell")"}},
      {R"([{"name":"a","command":{"argv":["x"],"ENV":{}}}])",
       {R"(T:1:38: unknown key "ENV", did you mean "env"?)"}},
  });
}

TEST_CASE("duplicate keys are problems that point at the second") {
  check({
      {R"([{"name":"a","command":["x"],"name":"b"}])",
       {R"(T:1:30: duplicate key "name", the first is at 1:3)"}},
      {"[{\"name\":\"a\",\n\"command\":[\"x\"],\n\"command\":[\"y\"]}]",
       {R"(T:3:1: duplicate key "command", the first is at 2:1)"}},
      {R"([{"name":"a","command":{"argv":["x"],"argv":["x"]}}])",
       {R"(T:1:38: duplicate key "argv", the first is at 1:25)"}},
      {R"([{"name":"a","command":{"argv":["x"],"env":{"A":"1","B":"","A":"2"}}}])",
       {R"(T:1:60: duplicate key "A", the first is at 1:45)"}},
      {R"([{"name":"a","n\u0061me":"a","command":["x"]}])",
       {R"(T:1:14: duplicate key "name", the first is at 1:3)"}},
  });
}

TEST_CASE("names are short, plain and unique") {
  const std::string pattern =
      ", expected 1 to 63 of a-z, 0-9 and -, beginning with a letter or digit";
  const std::string longest(63, 'a');
  const std::string long_document = R"([{"name":")" + longest + R"(","command":["x"]}])";
  const std::string too_long_document = R"([{"name":"a)" + longest + R"(","command":["x"]}])";
  check({
      {R"([{"name":"0-a","command":["x"]}])", {}},
      {long_document, {}},
      {too_long_document, {"T:1:10: \"name\" is \"a" + longest + "\"" + pattern}},
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
  check({
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
      {R"([{"name":"a","when":"timeout","command":["x"]}])",
       {R"(T:1:21: "when": "timeout" is not supported by this version yet)"}},
      {R"([{"name":"a","trigger":"demand","when":"success","command":["x"]}])",
       {R"(T:1:40: "when": "success" is not allowed with "trigger": "demand", which runs whatever )"
        R"(the outcome)"}},
  });
}

TEST_CASE("durations, attempts and replay are held to their ranges") {
  check({
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
  check({
      {R"([{"name":"a"}])", {R"(T:1:2: the action is missing, a task needs the key "command")"}},
      {R"([{"name":"a","http":{},"command":["x"]}])",
       {R"(T:1:14: "http" is not supported by this version yet)",
        R"(T:1:24: "command" is a second action beside "http" at 1:14, a task has exactly one)"}},
      {R"([{"name":"a","command":["x"],"send":{}}])",
       {R"(T:1:30: "send" is a second action beside "command" at 1:14, a task has exactly one)",
        R"(T:1:30: "send" is not supported by this version yet)"}},
  });
}

TEST_CASE("what this version cannot do is a problem and never ignored") {
  check({
      {R"([{"name":"a","http":{}}])", {R"(T:1:14: "http" is not supported by this version yet)"}},
      {R"([{"name":"a","send":{}}])", {R"(T:1:14: "send" is not supported by this version yet)"}},
      {R"([{"name":"a","aws":{}}])", {R"(T:1:14: "aws" is not supported by this version yet)"}},
      {R"([{"name":"a","handler":{}}])",
       {R"(T:1:14: "handler" is not supported by this version yet)"}},
      {R"([{"name":"a","command":["x"],"match":{"request.path":"/x"}}])",
       {R"(T:1:30: "match" is not supported by this version yet)"}},
      {R"([{"name":"a","command":["x"],"deadLetter":"arn:aws:sqs:eu-west-1:1:q"}])",
       {R"(T:1:30: "deadLetter" is not supported by this version yet)"}},
      {R"([{"name":"a","trigger":"demand","match":{},"command":["x"]}])",
       {R"(T:1:33: "match" is not allowed with "trigger": "demand")"}},
  });
}

TEST_CASE("templates are refused where they stand") {
  const std::string refusal =
      ": templates are not supported by this version yet, write $${ for a literal ${";
  check({
      {R"([{"name":"a","command":["x","${event.id}"]}])", {"T:1:29: argv[1]" + refusal}},
      {R"([{"name":"a","command":["${env.X}/x"]}])", {"T:1:25: argv[0]" + refusal}},
      {R"([{"name":"a","command":["x","$${a}${b}"]}])", {"T:1:29: argv[1]" + refusal}},
      {R"([{"name":"a","command":{"argv":["x"],"env":{"A":"a${b"},"cwd":"${c}"}}])",
       {R"(T:1:49: environment variable "A")" + refusal, R"(T:1:63: "cwd")" + refusal}},
  });
}

TEST_CASE("a command names a program and holds only strings") {
  check({
      {R"([{"name":"a","command":[]}])", {R"(T:1:24: "command" is empty, it must name a program)"}},
      {R"([{"name":"a","command":[""]}])", {"T:1:25: argv[0] is empty, it must name a program"}},
      {R"([{"name":"a","command":["x",1,null,["y"]]}])",
       {"T:1:29: argv[1] must be a string, found a number",
        "T:1:31: argv[2] must be a string, found null",
        "T:1:36: argv[3] must be a string, found an array"}},
      {R"([{"name":"a","command":["x","a\u0000b"]}])", {"T:1:29: argv[1] holds a NUL character"}},
      {R"([{"name":"a","command":"ls -l"}])",
       {R"(T:1:24: "command" must be an array of strings or an object, found a string; there is )"
        R"(no shell, write ["program", "argument"])"}},
      {R"([{"name":"a","command":7}])",
       {R"(T:1:24: "command" must be an array of strings or an object, found a number)"}},
      {R"([{"name":"a","command":{}}])", {R"(T:1:24: the key "argv" is missing)"}},
      {R"([{"name":"a","command":{"argv":[]}}])",
       {R"(T:1:32: "argv" is empty, it must name a program)"}},
      {R"([{"name":"a","command":{"argv":"x"}}])",
       {R"(T:1:32: "argv" must be an array of strings, found a string)"}},
      {R"([{"name":"a","command":{"argv":["x"],"cwd":""}}])", {R"(T:1:44: "cwd" is empty)"}},
      {R"([{"name":"a","command":{"argv":["x"],"cwd":null}}])",
       {R"(T:1:44: "cwd" must be a string, found null)"}},
      {R"([{"name":"a","command":{"argv":["x"],"cwd":"\u0000"}}])",
       {R"(T:1:44: "cwd" holds a NUL character)"}},
  });
}

TEST_CASE("environment variables of a command can really be set") {
  check({
      {R"([{"name":"a","command":{"argv":["x"],"env":{"A":"b=c","é":""}}}])", {}},
      {R"([{"name":"a","command":{"argv":["x"],"env":["A=1"]}}])",
       {R"(T:1:44: "env" must be an object of strings, found an array)"}},
      {R"([{"name":"a","command":{"argv":["x"],"env":{"A":1}}}])",
       {R"(T:1:49: environment variable "A" must be a string, found a number)"}},
      {R"([{"name":"a","command":{"argv":["x"],"env":{"":"1"}}}])",
       {R"(T:1:45: environment variable "" has no name)"}},
      {R"([{"name":"a","command":{"argv":["x"],"env":{"A=B":"1"}}}])",
       {R"(T:1:45: environment variable "A=B" has a "=" in its name)"}},
      {R"([{"name":"a","command":{"argv":["x"],"env":{"A\u0000":"1"}}}])",
       {R"(T:1:45: environment variable "A\u0000" has a NUL character in its name)"}},
      {R"([{"name":"a","command":{"argv":["x"],"env":{"A":"\u0000"}}}])",
       {R"(T:1:49: environment variable "A" holds a NUL character)"}},
  });
}

TEST_CASE("all problems are reported, in the order of the text") {
  check(
      {{R"([
  {"name": "Bad", "command": [], "attempts": 0, "timeout": 5},
  7,
  {"nam": "b", "handler": {}, "when": "timeout", "replay": 1},
  {"name": "c", "command": {"argv": ["${x}"], "env": {"A=": 1}}}
])",
        {R"(T:2:12: "name" is "Bad", expected 1 to 63 of a-z, 0-9 and -, beginning with a letter )"
         R"(or digit)",
         R"(T:2:30: "command" is empty, it must name a program)",
         R"(T:2:46: "attempts" is 0, expected a whole number from 1 to 100)",
         R"(T:2:60: "timeout" must be a duration such as "10s", found a number)",
         "T:3:3: a task must be an object, found a number",
         R"(T:4:4: unknown key "nam", did you mean "name"?)",
         R"(T:4:16: "handler" is not supported by this version yet)",
         R"(T:4:39: "when": "timeout" is not supported by this version yet)",
         R"(T:4:60: "replay" must be true or false, found a number)",
         "T:5:38: argv[0]: templates are not supported by this version yet, write $${ for a "
         "literal ${",
         R"(T:5:55: environment variable "A=" has a "=" in its name)",
         R"(T:5:61: environment variable "A=" must be a string, found a number)"}}});
}

TEST_CASE("columns count code points before a problem") {
  check({{"[{\"name\":\"a\",\"command\":[\"\xc3\xa9\xf0\x9f\x98\x80\",1]}]",
          {"T:1:30: argv[1] must be a string, found a number"}}});
}

TEST_CASE("the source stands in front of every problem") {
  CHECK(check_tasks("/var/task/my tasks.json", "[1]") ==
        Problems{"/var/task/my tasks.json:1:2: a task must be an object, found a number"});
}

TEST_CASE("long values are cut in messages, between characters") {
  std::string name(127, 'x');
  const Problems problems =
      check_tasks("T", "[{\"name\":\"" + name + "\xc3\xa9 more\",\"command\":[\"x\"]}]");
  REQUIRE(problems.size() == 1);
  CHECK(problems.front().starts_with("T:1:10: \"name\" is \"" + name + "...\", expected"));
}

std::string tasks_document(std::size_t count, std::string_view argument) {
  std::string text = "[";
  for (std::size_t index = 0; index < count; ++index) {
    text += index == 0 ? "" : ",\n";
    text += R"({"name":"t)" + std::to_string(index) + R"(","command":["x",")";
    text += std::string(argument) + R"("]})";
  }
  return text + "]";
}

TEST_CASE("the number of tasks is limited, and the limit itself is allowed") {
  CHECK(check_tasks("T", tasks_document(kMaxTasks, "")) == Problems{});
  CHECK(check_tasks("T", tasks_document(kMaxTasks + 1, "")) ==
        Problems{"T:257:1: 257 tasks, at most 256 are possible"});
}

TEST_CASE("tasks that would not fit into the message to the extension are refused") {
  const Problems problems = check_tasks("T", tasks_document(48, std::string(1024, 'x')));
  REQUIRE(problems.size() == 1);
  CHECK(problems.front().starts_with("T:1:1: the tasks take "));
  CHECK(problems.front().ends_with(
      " bytes in the form the extension gets them, at most 49152 are possible"));
  CHECK(check_tasks("T", tasks_document(24, std::string(1024, 'x'))) == Problems{});
}

TEST_CASE("a document over the size limit is refused with the limit") {
  CHECK(check_tasks("T", "[" + std::string(kMaxPositionedJsonBytes, ' ') + "]") ==
        Problems{"T:1:1: longer than 256 KiB"});
}

TEST_CASE("of very many problems the first hundred are shown and the rest is counted") {
  std::string text = "[0";
  for (int index = 1; index < 150; ++index) {
    text += ",\n0";
  }
  const Problems problems = check_tasks("T", text + "]");
  REQUIRE(problems.size() == kMaxTaskProblems + 1);
  CHECK(problems[99] == "T:100:1: a task must be an object, found a number");
  CHECK(problems[100] == "T: 50 more problems");
}

TEST_CASE("a document cut at any length is refused") {
  const std::string text =
      R"({"version":1,"tasks":[{"name":"a","when":"always","command":{"argv":["x"],"env":{}}}]})";
  for (std::size_t length = 0; length < text.size(); ++length) {
    CHECK(check_tasks("T", std::string_view(text).substr(0, length)).size() == 1);
  }
  CHECK(check_tasks("T", text).empty());
}

}  // namespace
}  // namespace postlude::runtime
