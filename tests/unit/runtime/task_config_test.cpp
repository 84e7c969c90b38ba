#include "runtime/task_config.h"

#include "common/json_positions.h"
#include "tests/unit/runtime/tasks_cases.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

namespace postlude::runtime {
namespace {

using testing::check_tasks_cases;
using testing::parse_valid_tasks;

TEST_CASE("tasks keep their order, in both forms of the document") {
  for (const std::string_view text :
       {R"([{"name":"b","command":["x"]},{"name":"a","command":["y"]}])",
        R"({"version":1,"tasks":[{"name":"b","command":["x"]},{"name":"a","command":["y"]}]})",
        R"( {"tasks":[{"name":"b","command":["x"]},{"name":"a","command":["y"]}],"version":1} )",
        "\xef\xbb\xbf[{\"name\":\"b\",\"command\":[\"x\"]},{\"name\":\"a\",\"command\":[\"y\"]}"
        "]"}) {
    const std::vector<Task> tasks = parse_valid_tasks(text);
    REQUIRE(tasks.size() == 2);
    CHECK(tasks[0].name == "b");
    CHECK(tasks[1].name == "a");
  }
}

TEST_CASE("no tasks at all is a valid document") {
  CHECK(parse_valid_tasks("[]").empty());
  CHECK(parse_valid_tasks(R"({"version": 1, "tasks": []})").empty());
}

TEST_CASE("the document is an array, or version 1 of the object") {
  const std::string expected =
      R"(the document must be an array of tasks or {"version": 1, "tasks": [...]}, found )";
  check_tasks_cases({
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
        R"(T:1:2: the action is missing, a task needs one of "command", "http", "send", "aws", "handler")"}},
  });
}

TEST_CASE("text that is not JSON is located") {
  check_tasks_cases({
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
  check_tasks_cases({
      {R"([{"name":"demo", "commandd":["x"]}])",
       {R"(T:1:18: unknown key "commandd", did you mean "command"?)"}},
      {R"([{"naem":"a","command":["x"]}])", {R"(T:1:3: unknown key "naem", did you mean "name"?)"}},
      {R"([{"name":"a","Command":["x"]}])",
       {R"(T:1:14: unknown key "Command", did you mean "command"?)"}},
      {R"([{"name":"a","command":["x"],"timeOut":"1s","attempz":2}])",
       {R"(T:1:30: unknown key "timeOut", did you mean "timeout"?)",
        R"(T:1:45: unknown key "attempz", did you mean "attempts"?)"}},
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
  check_tasks_cases({
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

TEST_CASE("all problems are reported, in the order of the text") {
  constexpr std::string_view kDocument = R"([
  {"name": "Bad", "command": [], "attempts": 0, "timeout": 5},
  7,
  {"nme": "b", "handler": {}, "when": "timeout", "replay": 1},
  {"name": "c", "command": {"argv": ["${x}"], "env": {"A=": 1}}}
])";
  constexpr std::string_view kExpected =
      R"(T:2:12: "name" is "Bad", expected 1 to 63 of a-z, 0-9 and -, beginning with a letter or digit
T:2:30: "command" is empty, it must name a program
T:2:46: "attempts" is 0, expected a whole number from 1 to 100
T:2:60: "timeout" must be a duration such as "10s", found a number
T:3:3: a task must be an object, found a number
T:4:4: unknown key "nme", did you mean "name"?
T:4:60: "replay" must be true or false, found a number
T:5:41: template: unknown source "x", expected event, request, response, payload, error, context, env, secret, ssm
T:5:55: environment variable "A=" has a "=" in its name
T:5:61: environment variable "A=" must be a string, found a number
)";
  CHECK(testing::joined(check_tasks("T", kDocument)) == kExpected);
}

TEST_CASE("columns count code points before a problem") {
  check_tasks_cases({{"[{\"name\":\"a\",\"command\":[\"\xc3\xa9\xf0\x9f\x98\x80\",1]}]",
                      {"T:1:30: argv[1] must be a string, found a number"}}});
}

TEST_CASE("the source stands in front of every problem") {
  CHECK(check_tasks("/var/task/my tasks.json", "[1]") ==
        Problems{"/var/task/my tasks.json:1:2: a task must be an object, found a number"});
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
      " bytes with every default written out, at most 49152 are possible: move long texts into "
      "the package, or leave tasks out"));
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
