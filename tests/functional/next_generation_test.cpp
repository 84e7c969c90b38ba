// Deferred work whose environment is reset: the next generation finds it in the spool.
#include "tests/fakes/process_watch.h"
#include "tests/fakes/temp_dir.h"
#include "tests/functional/function_story.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

using namespace postlude::testing;  // NOLINT(google-build-using-namespace)

namespace {

/// Never ends in the first generation that runs it, and says its document in the next.
constexpr const char* kSecondTime =
    R"(begun="begun $POSTLUDE_TASK_ID"; if mkdir "$REPORT_DIR/flag.$POSTLUDE_REQUEST_ID" 2>/dev/null; )"
    R"(then echo "$begun"; exec sleep 600; fi; echo "$begun"; cat; echo)";

FunctionSpec function(const TempDir& folder, const std::string& tasks) {
  return {.name = "failing",
          .tasks = tasks,
          .env = {{"REPORT_DIR", folder.path()}},
          // One environment, so that it is the same one that starts again.
          .options = {"--max-environments", "1", "--admission-wait", "30s", "--timeout", "20s"}};
}

/// The shim is what the platform takes for the runtime.
void kill_shim(LocalLambda& lambda) {
  const LambdaEvent started = lambda.wait_for_event(
      {.name = "processStarted", .members = {{"process", "runtime"}}, .nth = 1});
  REQUIRE(::kill(static_cast<pid_t>(started.number("pid")), SIGKILL) == 0);
  static_cast<void>(lambda.wait_for_event({.name = "reset"}));
}

}  // namespace

TEST_CASE("work that a killed shim leaves runs in the next generation, after its first answer") {
  const TempDir folder;
  LocalLambda lambda(
      node_function(function(folder, task_list({shell_task("report", kSecondTime)}))));
  const InvokeResult first = lambda.invoke(R"({"how": "answer", "mark": "of the first"})");
  CHECK(first.body() == R"({"answered":"answer"})");
  const std::string first_task = first.request_id() + "/report/1";
  static_cast<void>(lambda.wait_for_log("begun " + first_task));
  kill_shim(lambda);
  CHECK(processes_with("POSTLUDE_TASK_ID=" + first_task).empty());

  const InvokeResult second = lambda.invoke(R"({"how": "throw"})");
  const auto line = receipt(lambda, second.request_id());
  const auto done = task_in(line, "report");
  CHECK(done.at("id") == first_task);
  CHECK(done.at("state") == "done");
  CHECK(done.at("attempts") == 1);
  CHECK(count_lines(lambda, "begun " + first_task) == 2);
  // With the event and the answer of the first invocation.
  const std::string document = lambda.wait_for_log(R"("id":")" + first_task + R"(","task")");
  CHECK(document.find("of the first") != std::string::npos);
  CHECK(document.find(R"("answered":"answer")") != std::string::npos);
  CHECK(count_lines(lambda, R"("id":")" + first_task + R"(","name":"report","state":"done")") == 1);
  // The caller did not wait for it.
  CHECK(line_of(lambda, "begun " + first_task) < line_of(lambda, R"("postlude":"receipt")"));
}

TEST_CASE("with replay false the next generation says at once that the work expired") {
  const TempDir folder;
  LocalLambda lambda(node_function(
      function(folder, task_list({shell_task("report", kSecondTime, R"(,"replay":false)")}))));
  const InvokeResult first = lambda.invoke(R"({"how": "answer"})");
  const std::string first_task = first.request_id() + "/report/1";
  static_cast<void>(lambda.wait_for_log("begun " + first_task));
  kill_shim(lambda);
  static_cast<void>(lambda.invoke(R"({"how": "throw"})"));
  const auto told = nlohmann::json::parse(lambda.wait_for_log(R"("postlude":"receipt")"));
  CHECK(told.at("requestId") == first.request_id());
  CHECK(task_in(told, "report").at("state") == "expired");
  CHECK(task_in(told, "report").at("why") == "interrupted by a crash, and replay is false");
  CHECK(count_lines(lambda, "begun " + first_task) == 1);
}

TEST_CASE(
    "a record that is damaged between two generations is a task that a receipt calls dropped") {
  const TempDir folder;
  FunctionSpec spec = function(folder, task_list({shell_task("report", kSecondTime)}));
  spec.env.emplace_back("POSTLUDE_SPOOL_DIR", folder.file("spool"));
  LocalLambda lambda(node_function(spec));
  const InvokeResult first = lambda.invoke(R"({"how": "answer"})");
  const std::string first_task = first.request_id() + "/report/1";
  static_cast<void>(lambda.wait_for_log("begun " + first_task));
  kill_shim(lambda);
  std::vector<std::filesystem::path> records;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.file("spool"))) {
    if (entry.path().extension() == ".task") {
      records.push_back(entry.path());
    }
  }
  REQUIRE(records.size() == 1);
  std::filesystem::resize_file(records[0], std::filesystem::file_size(records[0]) / 2);

  static_cast<void>(lambda.invoke(R"({"how": "throw"})"));
  const auto told = nlohmann::json::parse(lambda.wait_for_log(R"("postlude":"receipt")"));
  CHECK(told.at("requestId") == first.request_id());
  CHECK(told.at("level") == "WARN");
  const auto entry = task_in(told, "report");
  CHECK(entry.at("id") == first_task);
  CHECK(entry.at("state") == "dropped");
  CHECK(entry.at("why").get<std::string>().starts_with("its record cannot be read: "));
  const std::string named = lambda.wait_for_log(records[0].filename().string().substr(0, 17));
  CHECK(named.find("find what else does") != std::string::npos);
  CHECK(count_lines(lambda, "begun " + first_task) == 1);
}

TEST_CASE("the failure task of a runtime that died runs in the next generation") {
  const TempDir folder;
  LocalLambda lambda(node_function(
      function(folder,
               task_list({shell_task("alarm",
                                     R"(echo "alarm for $POSTLUDE_REQUEST_ID"; cat; echo)",
                                     R"(,"when":"failure")")}))));
  const InvokeResult first = lambda.invoke(R"({"how": "exit"})");
  CHECK(first.function_error() == "Unhandled");
  CHECK(count_lines(lambda, "alarm for") == 0);
  const InvokeResult second = lambda.invoke(R"({"how": "answer"})");
  const auto entry = task_in(receipt(lambda, second.request_id()), "alarm");
  CHECK(entry.at("id") == first.request_id() + "/alarm/1");
  CHECK(entry.at("state") == "done");
  static_cast<void>(lambda.wait_for_log("alarm for " + first.request_id()));
  static_cast<void>(lambda.wait_for_log(R"("errorType":"Runtime.ExitError")"));
}
