#include "runtime/template_reader.h"

#include "tests/unit/runtime/tasks_cases.h"

#include <doctest/doctest.h>

#include <string>

namespace postlude::runtime {
namespace {

/// What is said about the second argument of a command, whose quote stands at 1:29 plus `options`.
std::string said_about(const std::string& argument, const std::string& options = "") {
  return testing::joined(
      check_tasks("T", R"([{"name":"a","command":["x",")" + argument + R"("])" + options + "}]"));
}

TEST_CASE("a problem of a template stands at its character, behind any escapes") {
  CHECK(said_about("${x}").starts_with("T:1:32: template: unknown source \"x\""));
  CHECK(said_about("ab${event} ${x}").starts_with("T:1:43: template: unknown source"));
  CHECK(said_about("\xc3\xa9${x}").starts_with("T:1:33: template: unknown source"));
  CHECK(said_about(R"(\n\"${x})").starts_with("T:1:36: template: unknown source"));
  CHECK(said_about(R"(\u00e9\ud83d\ude00${x})").starts_with("T:1:50: template: unknown source"));
  CHECK(said_about(R"(\u0024{x})").starts_with("T:1:37: template: unknown source"));
  CHECK(said_about("${event.a").starts_with("T:1:30: template: \"${\" without its \"}\""));
}

TEST_CASE("a problem in a text of several lines has the line of its document") {
  CHECK(testing::joined(check_tasks("T", "[{\"name\":\"a\",\n  \"command\":[\"x\",\n\"${x}\"]}]"))
            .starts_with("T:3:4: template: unknown source"));
}

TEST_CASE("a reference that never has a value is told with what to do about it") {
  CHECK(said_about("${payload.a}") ==
        "T:1:32: template: payload.a: a payload is there only where the function defers the task: "
        "set \"trigger\": \"demand\", or give a fallback: ${payload.a:-...}\n");
  CHECK(said_about("${error.errorType}") ==
        "T:1:32: template: error.errorType: there is no error with \"when\": \"success\": set "
        "\"failure\" or \"always\", or give a fallback: ${error.errorType:-...}\n");
  CHECK(said_about("${response.body}", R"(,"when":"timeout")") ==
        "T:1:32: template: response.body: there is no response yet with \"when\": \"timeout\", or "
        "give a fallback: ${response.body:-...}\n");
}

TEST_CASE("every such reference of a text is located, escaped ones and keys passed over") {
  CHECK(said_about("$${payload}${payload}${event['${payload}']}${payload.b}") ==
        "T:1:43: template: payload: a payload is there only where the function defers the task: "
        "set \"trigger\": \"demand\", or give a fallback: ${payload:-...}\n"
        "T:1:75: template: payload.b: a payload is there only where the function defers the task: "
        "set \"trigger\": \"demand\", or give a fallback: ${payload.b:-...}\n");
}

TEST_CASE("a reference that may have a value is none to refuse") {
  CHECK(said_about("${payload.a:-x}") == "");
  CHECK(said_about("${payload.a}", R"(,"trigger":"demand")") == "");
  CHECK(said_about("${error.errorType:-}") == "");
  CHECK(said_about("${error.errorType}", R"(,"when":"failure")") == "");
  CHECK(said_about("${error.errorType}${response}", R"(,"when":"always")") == "");
  CHECK(said_about("${response.body}", R"(,"when":"failure")") == "");
  CHECK(said_about("${event}${request}${context.id}${env.A}${secret['a']}${ssm['/a']}",
                   R"(,"when":"timeout")") == "");
  CHECK(said_about("${event.a}${response.body}${error}", R"(,"trigger":"demand")") == "");
}

TEST_CASE("what comes after the action decides about its references too") {
  CHECK(testing::joined(check_tasks(
            "T", R"([{"command":["x","${error.a}"],"when":"failure","name":"a"}])")) == "");
}

}  // namespace
}  // namespace postlude::runtime
