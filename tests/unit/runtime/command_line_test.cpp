#include "runtime/command_line.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

namespace postlude::runtime {
namespace {

using Mode = CommandLine::Mode;
using Words = std::vector<std::string>;

Environment with_handler(std::string_view handler) {
  Environment environment;
  environment.set("_HANDLER", handler);
  return environment;
}

TEST_CASE("arguments are the runtime's command, untouched") {
  const Words command = {"/var/lang/bin/node", "--experimental", "", "--version", "a b"};
  const auto line = parse_command_line(command, Environment());
  REQUIRE(line);
  CHECK(line->mode == Mode::run);
  CHECK(line->command == command);
}

TEST_CASE("without arguments the function's own program is started") {
  Environment environment = with_handler("main");
  environment.set("LAMBDA_TASK_ROOT", "/var/task");
  const auto line = parse_command_line({}, environment);
  REQUIRE(line);
  CHECK(line->mode == Mode::run);
  CHECK(line->command == Words{"/var/task/main"});

  const auto without_root = parse_command_line({}, with_handler("main"));
  REQUIRE(without_root);
  CHECK(without_root->command == Words{"./main"});
}

TEST_CASE("without arguments and without a handler there is nothing to start") {
  for (const Environment& environment : {Environment(), with_handler("")}) {
    const auto line = parse_command_line({}, environment);
    REQUIRE_FALSE(line);
    CHECK(line.error().message.find("_HANDLER") != std::string::npos);
  }
}

TEST_CASE("options are known by their whole name and number of arguments") {
  CHECK(parse_command_line({"--version"}, Environment())->mode == Mode::version);
  CHECK(parse_command_line({"--help"}, Environment())->mode == Mode::help);
  const auto check = parse_command_line({"--check"}, Environment());
  REQUIRE(check);
  CHECK(check->mode == Mode::check);
  CHECK(check->check_source.empty());
  CHECK(parse_command_line({"--check", "-"}, Environment())->check_source == "-");
  CHECK(parse_command_line({"--check", "a.json"}, Environment())->check_source == "a.json");

  for (const Words& wrong : {Words{"--"},
                             Words{"--vers"},
                             Words{"--version", "x"},
                             Words{"--help", "x"},
                             Words{"--check", "a", "b"}}) {
    const auto line = parse_command_line(wrong, Environment());
    REQUIRE_FALSE(line);
    CHECK(line.error().message.find(wrong.front()) != std::string::npos);
  }
}

TEST_CASE("the help names every option") {
  for (const auto* option : {"--version", "--help", "--check", "AWS_LAMBDA_EXEC_WRAPPER"}) {
    CHECK(usage().find(option) != std::string::npos);
  }
}

}  // namespace
}  // namespace postlude::runtime
