// How many tasks run at once, and in which order.
#include "tests/fakes/temp_dir.h"
#include "tests/functional/function_story.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>

using namespace postlude::testing;  // NOLINT(google-build-using-namespace)

namespace {

constexpr int kTasks = 8;

std::vector<std::string> waiting_tasks() {
  std::vector<std::string> tasks;
  for (int number = 1; number <= kTasks; ++number) {
    tasks.push_back(shell_task("t" + std::to_string(number),
                               R"(echo "begin $POSTLUDE_TASK"; read x <"$GATE"; )"
                               R"(echo "end $POSTLUDE_TASK")"));
  }
  return tasks;
}

std::vector<std::string> begins_and_ends(const LocalLambda& lambda) {
  std::vector<std::string> lines;
  for (const std::string& line : lambda.log()) {
    if (line.starts_with("begin t") || line.starts_with("end t")) {
      lines.push_back(line);
    }
  }
  return lines;
}

int most_at_once(const std::vector<std::string>& lines) {
  int running = 0;
  int most = 0;
  for (const std::string& line : lines) {
    running += line.starts_with("begin") ? 1 : -1;
    most = std::max(most, running);
  }
  return most;
}

void check_all_done(const nlohmann::json& receipt) {
  CHECK(receipt.at("tasks").size() == kTasks);
  for (int number = 1; number <= kTasks; ++number) {
    const auto& task = receipt.at("tasks").at(static_cast<std::size_t>(number - 1));
    CHECK(task.at("name") == "t" + std::to_string(number));
    CHECK(task.at("state") == "done");
  }
}

}  // namespace

TEST_CASE("with a concurrency of 1 tasks run one after the other, in the order of acceptance") {
  const TempDir folder;
  const Gate gate(folder.file("gate"));
  LocalLambda lambda(
      node_function({.name = "report",
                     .tasks = task_list(waiting_tasks()),
                     .env = {{"GATE", gate.path()}, {"POSTLUDE_CONCURRENCY", "1"}}}));
  const InvokeResult result = lambda.invoke("{}");
  for (int number = 1; number <= kTasks; ++number) {
    static_cast<void>(lambda.wait_for_log("begin t" + std::to_string(number)));
    CHECK(begins_and_ends(lambda).size() == static_cast<std::size_t>(2 * number - 1));
    gate.let_one_pass();
  }
  check_all_done(receipt(lambda, result.request_id()));
  const auto lines = begins_and_ends(lambda);
  for (std::size_t number = 1; number <= kTasks; ++number) {
    CHECK(lines.at(2 * number - 2) == "begin t" + std::to_string(number));
    CHECK(lines.at(2 * number - 1) == "end t" + std::to_string(number));
  }
}

TEST_CASE("by default four tasks run at once, never more, and each end starts the next") {
  const TempDir folder;
  const Gate gate(folder.file("gate"));
  LocalLambda lambda(node_function(
      {.name = "report", .tasks = task_list(waiting_tasks()), .env = {{"GATE", gate.path()}}}));
  const InvokeResult result = lambda.invoke("{}");
  for (const char* line : {"begin t1", "begin t2", "begin t3", "begin t4"}) {
    static_cast<void>(lambda.wait_for_log(line));
  }
  CHECK(begins_and_ends(lambda).size() == 4);
  gate.let_one_pass();
  static_cast<void>(lambda.wait_for_log("begin t5"));
  CHECK(begins_and_ends(lambda).size() == 6);
  for (int others = 1; others < kTasks; ++others) {
    gate.let_one_pass();
  }
  check_all_done(receipt(lambda, result.request_id()));
  CHECK(most_at_once(begins_and_ends(lambda)) == 4);
}

TEST_CASE("a concurrency of 64 lets eight tasks run together, and the invocation waits for all") {
  const TempDir folder;
  const Gate gate(folder.file("gate"));
  LocalLambda lambda(
      node_function({.name = "report",
                     .tasks = task_list(waiting_tasks()),
                     .env = {{"GATE", gate.path()}, {"POSTLUDE_CONCURRENCY", "64"}}}));
  const InvokeResult result = lambda.invoke("{}");
  static_cast<void>(lambda.wait_for_log("begin t", kTasks));
  for (int number = 1; number < kTasks; ++number) {
    gate.let_one_pass();
  }
  static_cast<void>(lambda.wait_for_log("end t", kTasks - 1));
  CHECK(lambda.events({.name = "invokeEnd"}).empty());
  gate.let_one_pass();
  check_all_done(receipt(lambda, result.request_id()));
  CHECK(most_at_once(begins_and_ends(lambda)) == kTasks);
}
