#include "common/task_json.h"

#include "common/json_text.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace postlude {
namespace {

Task full_task() {
  CommandAction command;
  command.argv = {"bin/report", "", "--name=\xc3\xa9\n", "${literal}"};
  command.env = {{"ZED", "1"}, {"ALPHA", ""}, {"ZED", "again"}};
  command.cwd = "/tmp/x y";
  Task task;
  task.name = "a-full-task-1";
  task.trigger = Trigger::demand;
  task.when = When::failure;
  task.timeout = std::chrono::minutes(15);
  task.attempts = 100;
  task.backoff = Millis(1);
  task.replay = false;
  task.action = command;
  return task;
}

void check_equal(const Task& left, const Task& right) {
  CHECK(left.name == right.name);
  CHECK(left.trigger == right.trigger);
  CHECK(left.when == right.when);
  CHECK(left.timeout == right.timeout);
  CHECK(left.attempts == right.attempts);
  CHECK(left.backoff == right.backoff);
  CHECK(left.replay == right.replay);
  const auto& left_command = std::get<CommandAction>(left.action);
  const auto& right_command = std::get<CommandAction>(right.action);
  CHECK(left_command.argv == right_command.argv);
  CHECK(left_command.env == right_command.env);
  CHECK(left_command.cwd == right_command.cwd);
}

void check_round_trip(const Task& task) {
  const auto parsed = parse_json(dump_json(task_to_json(task)));
  REQUIRE(parsed);
  const auto back = task_from_json(*parsed);
  REQUIRE(back);
  check_equal(*back, task);
}

TEST_CASE("a task with every member set survives its JSON form") {
  check_round_trip(full_task());
}

TEST_CASE("a task of defaults survives its JSON form") {
  Task task;
  task.name = "a";
  CommandAction command;
  command.argv = {"true"};
  task.action = command;
  check_round_trip(task);
}

TEST_CASE("every trigger and outcome survives its JSON form") {
  for (const Trigger trigger : {Trigger::invocation, Trigger::demand}) {
    for (const When when : {When::success, When::failure, When::always}) {
      Task task = full_task();
      task.trigger = trigger;
      task.when = when;
      check_round_trip(task);
    }
  }
}

TEST_CASE("a member that is missing or of the wrong type is an error that names it") {
  const nlohmann::json good = task_to_json(full_task());
  for (const auto& member : good.items()) {
    CAPTURE(member.key());
    nlohmann::json missing = good;
    missing.erase(member.key());
    const auto without = task_from_json(missing);
    REQUIRE_FALSE(without);
    CHECK(without.error().message == member.key() + " is missing");

    nlohmann::json wrong = good;
    wrong[member.key()] = nlohmann::json::array({1});
    const auto mistyped = task_from_json(wrong);
    REQUIRE_FALSE(mistyped);
    CHECK(mistyped.error().message.find(member.key()) == 0);
  }
}

TEST_CASE("values no configuration could have made are refused") {
  struct Damage {
    std::string member;
    std::string value;
    std::string error;
  };
  const std::vector<Damage> damages{
      {"name", R"("../x")", "name is not a task name"},
      {"trigger", R"("never")", "trigger has an unknown value"},
      {"when", R"("timeout")", "when has an unknown value"},
      {"timeoutMs", "0", "timeoutMs is not a whole number from 1 to 900000"},
      {"timeoutMs", "900001", "timeoutMs is not a whole number from 1 to 900000"},
      {"timeoutMs", "1.5", "timeoutMs is not a whole number from 1 to 900000"},
      {"backoffMs", "-1", "backoffMs is not a whole number from 1 to 900000"},
      {"attempts", "101", "attempts is not a whole number from 1 to 100"},
      {"attempts", "18446744073709551615", "attempts is not a whole number from 1 to 100"},
      {"replay", "1", "replay is not true or false"},
      {"command", "null", "command: task is not an object"},
      {"command",
       R"({"argv":[],"env":[],"cwd":null})",
       "command: argv is not an array with a program"},
      {"command", R"({"argv":["a",1],"env":[],"cwd":null})", "command: argv is not a string"},
      {"command", R"({"argv":["a"],"env":{},"cwd":null})", "command: env is not an array"},
      {"command",
       R"({"argv":["a"],"env":[["A"]],"cwd":null})",
       "command: env holds something else than pairs"},
      {"command", R"({"argv":["a"],"env":[["A",1]],"cwd":null})", "command: env is not a string"},
      {"command", R"({"argv":["a"],"env":[],"cwd":1})", "command: cwd is not a string"},
      {"command", R"({"argv":["a"],"env":[]})", "command: cwd is missing"},
  };
  for (const Damage& damage : damages) {
    CAPTURE(damage.member);
    CAPTURE(damage.value);
    nlohmann::json value = task_to_json(full_task());
    const auto replacement = parse_json(damage.value);
    REQUIRE(replacement);
    value[damage.member] = *replacement;
    const auto task = task_from_json(value);
    REQUIRE_FALSE(task);
    CHECK(task.error().message == damage.error);
  }
}

TEST_CASE("what is no object at all is refused") {
  for (const nlohmann::json& value :
       {nlohmann::json(), nlohmann::json(1), nlohmann::json("x"), nlohmann::json::array()}) {
    const auto task = task_from_json(value);
    REQUIRE_FALSE(task);
    CHECK(task.error().message == "task is not an object");
  }
}

TEST_CASE("members a later version may add are ignored") {
  nlohmann::json value = task_to_json(full_task());
  value["later"] = nlohmann::json::object();
  const auto task = task_from_json(value);
  REQUIRE(task);
  check_equal(*task, full_task());
}

}  // namespace
}  // namespace postlude
