#include "runtime/command_config.h"

#include "tests/unit/runtime/tasks_cases.h"

#include <doctest/doctest.h>

#include <string>
#include <variant>
#include <vector>

namespace postlude::runtime {
namespace {

using testing::check_tasks_cases;
using testing::parse_valid_task;

const CommandAction& command_of(const Task& task) {
  return std::get<CommandAction>(task.action);
}

TEST_CASE("templates stay as they are written, escaped dollars too") {
  const Task task =
      parse_valid_task(R"([{"name":"a","command":{"argv":["$${a}","${event.id}","$","$a","{}"],)"
                       R"("env":{"V":"x${env.W:-none}"},"cwd":"/${context.id}"}}])");
  CHECK(command_of(task).argv == std::vector<std::string>{"$${a}", "${event.id}", "$", "$a", "{}"});
  CHECK(command_of(task).env.front().second == "x${env.W:-none}");
  CHECK(command_of(task).cwd == "/${context.id}");
}

TEST_CASE("a wrong template is located where it stands, in arguments, variables and folder") {
  check_tasks_cases({
      {R"([{"name":"a","command":["x","a${evnt.id}"]}])",
       {R"(T:1:33: template: unknown source "evnt", did you mean "event"?)"}},
      {R"([{"name":"a","command":{"argv":["x"],"env":{"A":"a${b"},"cwd":"${"}}])",
       {R"(T:1:53: template: unknown source "b", expected event, request, response, payload, error, )"
        R"(context, env, secret, ssm)",
        R"(T:1:66: template: expected a source: event, request, response, payload, error, context, )"
        R"(env, secret, ssm)"}},
      {R"([{"name":"a","command":{"argv":["x"],"env":{"${env.A}":"1"}}}])",
       {R"(T:1:45: environment variable "${env.A}" has a template in its name, only its value may)"}},
  });
}

TEST_CASE("a command names a program and holds only strings") {
  check_tasks_cases({
      {R"([{"name":"a","command":[]}])", {R"(T:1:24: "command" is empty, it must name a program)"}},
      {R"([{"name":"a","command":[""]}])", {"T:1:25: argv[0] is empty, it must name a program"}},
      {R"([{"name":"a","command":["x",1,null,["y"]]}])",
       {"T:1:29: argv[1] must be a string, found a number",
        "T:1:31: argv[2] must be a string, found null",
        "T:1:36: argv[3] must be a string, found an array"}},
      {R"([{"name":"a","command":["x","a\u0000b"]}])", {"T:1:31: argv[1] holds a NUL character"}},
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
       {R"(T:1:45: "cwd" holds a NUL character)"}},
  });
}

TEST_CASE("environment variables of a command can really be set") {
  check_tasks_cases({
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
       {R"(T:1:50: environment variable "A" holds a NUL character)"}},
  });
}

}  // namespace
}  // namespace postlude::runtime
