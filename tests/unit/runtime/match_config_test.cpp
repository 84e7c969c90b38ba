#include "runtime/match_config.h"

#include "tests/unit/runtime/tasks_cases.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace postlude::runtime {
namespace {

using testing::parse_valid_task;

/// What is said about "match"; its first key stands at 1:23.
std::string said_about(const std::string& match, const std::string& options = "") {
  return testing::joined(
      check_tasks("T", R"([{"name":"a","match":)" + match + options + R"(,"handler":{}}])"));
}

TEST_CASE("conditions keep their order, their references and the JSON of their values") {
  const Task task = parse_valid_task(
      R"([{"name":"a","handler":{},"match":{"request.path":"/a*","event['x.y']":[1.50,true,"\u0041"],)"
      R"("response.statusCode":20000000000000000001}}])");
  REQUIRE(task.match.size() == 3);
  CHECK(task.match[0].reference == "request.path");
  CHECK(task.match[0].any_of == std::vector<std::string>{"\"/a*\""});
  CHECK(task.match[1].reference == "event['x.y']");
  CHECK(task.match[1].any_of == std::vector<std::string>{"1.50", "true", "\"A\""});
  CHECK(task.match[2].any_of == std::vector<std::string>{"20000000000000000001"});
}

TEST_CASE("a text that looks like a template is compared as it is") {
  CHECK(said_about(R"({"event.a":"${env.B}"})") == "");
}

TEST_CASE("conditions are references to what can select a task") {
  CHECK(said_about(R"({"${event.a}":1})") ==
        "T:1:23: \"match\": \"${event.a}\": a reference is written without ${ and } here\n");
  CHECK(said_about(R"({"evnt.a":1,"event.a:-b":1})") ==
        "T:1:23: \"match\": \"evnt.a\": unknown source \"evnt\", did you mean \"event\"?\n"
        "T:1:34: \"match\": \"event.a:-b\": expected \".\" or \"[\" here (a key with other "
        "characters "
        "is written ['a key'])\n");
  CHECK(said_about(R"({"secret['a']":"x"})") ==
        "T:1:23: \"match\": \"secret['a']\": secrets and parameters are fetched when a task runs, "
        "they cannot select it\n");
  CHECK(said_about(R"({"payload.a":"x"})") ==
        "T:1:23: \"match\": \"payload.a\": only a task that the function defers has a payload, and "
        "it needs no condition\n");
  CHECK(said_about(R"({"event.a":1,"event.a":2})") ==
        "T:1:35: duplicate key \"event.a\", the first is at 1:23\n");
}

TEST_CASE("a condition that no outcome of the task has is a mistake") {
  CHECK(said_about(R"({"error.errorType":"x"})") ==
        "T:1:23: \"match\": \"error.errorType\": there is no error with \"when\": \"success\": set "
        "\"failure\" or \"always\"\n");
  CHECK(said_about(R"({"error.errorType":"x"})", R"(,"when":"failure")") == "");
  CHECK(said_about(R"({"error.errorType":"x"})", R"(,"when":"always")") == "");
  CHECK(said_about(R"({"response.body":"x"})", R"(,"when":"timeout")") ==
        "T:1:23: \"match\": \"response.body\": there is no response yet with \"when\": "
        "\"timeout\"\n");
  CHECK(said_about(R"({"error":"x"})", R"(,"when":"timeout")") ==
        "T:1:23: \"match\": \"error\": there is no error yet with \"when\": \"timeout\"\n");
  CHECK(said_about(R"({"request.path":"x"})", R"(,"when":"timeout")") == "");
  CHECK(said_about(R"({"request.path":"x"})", R"(,"trigger":"demand")") ==
        "T:1:14: \"match\" is not allowed with \"trigger\": \"demand\"\n");
}

TEST_CASE("values are scalars or lists of them") {
  CHECK(said_about("[]") ==
        "T:1:22: \"match\" must be an object such as {\"request.path\": \"/slack/*\"}, found an "
        "array\n");
  CHECK(
      said_about(R"({"event.a":null,"event.b":{},"event.c":[[1]],"event.d":[]})") ==
      "T:1:33: a value of \"event.a\" must be a string, a number, true or false, found null\n"
      "T:1:48: a value of \"event.b\" must be a string, a number, true or false, found an object\n"
      "T:1:62: a value of \"event.c\" must be a string, a number, true or false, found an array\n"
      "T:1:77: \"match\": the list of \"event.d\" is empty, so that nothing would match\n");
}

}  // namespace
}  // namespace postlude::runtime
