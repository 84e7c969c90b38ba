#include "tests/functional/extension_story.h"

#include "tests/functional/process_probe.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <csignal>
#include <filesystem>

namespace postlude::testing {
namespace {

namespace fs = std::filesystem;

std::vector<pid_t> extensions_of(const LocalLambda& lambda) {
  return processes_with("AWS_LAMBDA_LOG_STREAM_NAME=" +
                            lambda.events({.name = "environmentStart"}).at(0).text("logStream"),
                        "postlude-extens");
}

}  // namespace

std::string layer_with_extension(const TempDir& folder, const std::string& script) {
  fs::create_directories(folder.file("layer/libexec"));
  fs::copy(built_layer() + "/postlude", folder.file("layer/postlude"));
  if (!script.empty()) {
    static_cast<void>(folder.write_program("layer/libexec/postlude-extension", script));
  }
  return folder.file("layer");
}

pid_t extension_of(const LocalLambda& lambda) {
  const auto found = extensions_of(lambda);
  REQUIRE(found.size() == 1);
  return found.front();
}

pid_t successor_of(const LocalLambda& lambda, pid_t before) {
  std::vector<pid_t> found;
  look_until("the extension's successor", [&] {
    found = extensions_of(lambda);
    return found.size() == 1 && found.front() != before;
  });
  return found.front();
}

pid_t kill_extension(const LocalLambda& lambda) {
  const pid_t extension = extension_of(lambda);
  REQUIRE(::kill(extension, SIGKILL) == 0);
  return extension;
}

pid_t stop_extension(const LocalLambda& lambda) {
  const pid_t extension = extension_of(lambda);
  REQUIRE(::kill(extension, SIGSTOP) == 0);
  wait_for_state(extension, "T");
  return extension;
}

void check_prompt(LocalLambda& lambda, const InvokeResult& result) {
  CHECK(result.status() == 200);
  CHECK(result.function_error().empty());
  const LambdaEvent end =
      lambda.wait_for_event({.name = "invokeEnd", .request_id = result.request_id()});
  CHECK(end.text("status") == "success");
  CHECK(end.number("durationMs") < 10'000);
  static_cast<void>(lambda.wait_for_event({.name = "frozen", .request_id = result.request_id()}));
}

void check_polls(const LocalLambda& lambda, std::size_t invocations) {
  CHECK(lambda.events({.name = "extensionNext"}).size() == 1 + invocations);
  CHECK(count_lines(lambda, "the poll taken over from the extension was refused") == 0);
  CHECK(lambda.events({.name = "environmentStart"}).size() == 1);
  CHECK(lambda.events({.name = "reset"}).empty());
}

void check_dropped(const nlohmann::json& receipt, std::string_view name) {
  CHECK(receipt.at("level") == "WARN");
  CHECK(receipt.at("tasks").size() == 1);
  const auto task = task_in(receipt, name);
  CHECK(task.at("state") == "dropped");
  CHECK(task.at("why") == "extension unavailable");
}

void check_done(const nlohmann::json& receipt, std::string_view name, int attempts) {
  CHECK(receipt.at("level") == "INFO");
  CHECK(receipt.at("tasks").size() == 1);
  const auto task = task_in(receipt, name);
  CHECK(task.at("state") == "done");
  CHECK(task.at("attempts") == attempts);
}

}  // namespace postlude::testing
