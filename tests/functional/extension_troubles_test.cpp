// The extension is slow, refused, cannot be started or dies: the function never notices
// (contract.md section 8).
#include "tests/fakes/temp_dir.h"
#include "tests/functional/extension_story.h"
#include "tests/functional/process_probe.h"
#include "tests/functional/runtime_calls.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <csignal>
#include <filesystem>
#include <string>

using namespace postlude::testing;  // NOLINT(google-build-using-namespace)

namespace {

namespace fs = std::filesystem;

/// Starts the real extension once the test says so.
std::string gated_extension() {
  return "#!/bin/sh\necho 'extension waits'\nread x <\"$EXTENSION_GATE\"\nexec " + built_layer() +
         "/libexec/postlude-extension \"$@\"\n";
}

LambdaSetup with_layer_of(const std::string& layer, const FunctionSpec& spec) {
  LambdaSetup setup = node_function(spec);
  setup.layer_dir = layer;
  return setup;
}

std::string say() {
  return task_list({shell_task("say", R"(echo "task of $POSTLUDE_REQUEST_ID")")});
}

/// A function whose extension starts when `gate` lets it pass.
LambdaSetup with_gated_extension(const TempDir& folder, const Gate& gate) {
  return with_layer_of(
      layer_with_extension(folder, gated_extension()),
      {.name = "report", .tasks = say(), .env = {{"EXTENSION_GATE", gate.path()}}});
}

}  // namespace

TEST_CASE("the runtime's first poll waits for an extension that is slow to start") {
  const TempDir folder;
  const Gate gate(folder.file("gate"));
  LocalLambda lambda(with_gated_extension(folder, gate));
  auto call = lambda.invoke_later("{}");
  static_cast<void>(lambda.wait_for_log("extension waits"));
  static_cast<void>(lambda.wait_for_log("Executing 'index.handler'"));
  CHECK(lambda.events({.name = "runtimeNext"}).empty());
  gate.let_one_pass();
  const InvokeResult result = call.get();
  check_prompt(lambda, result);
  CHECK(lambda.wait_for_event({.name = "extensionRegistered"}).ms() <
        lambda.wait_for_event({.name = "runtimeNext"}).ms());
  CHECK(task_in(receipt(lambda, result.request_id()), "say").at("state") == "done");
}

TEST_CASE(
    "an extension that is too slow to be registered runs tasks while the shim holds the end") {
  const TempDir folder;
  const Gate gate(folder.file("gate"));
  const Gate task_gate(folder.file("task-gate"));
  LocalLambda lambda(with_layer_of(
      layer_with_extension(folder, gated_extension()),
      {.name = "report",
       .tasks = task_list({shell_task("say", R"(echo "task waits"; read x <"$TASK_GATE")")}),
       .env = {{"EXTENSION_GATE", gate.path()}, {"TASK_GATE", task_gate.path()}}}));
  const InvokeResult first = lambda.invoke("{}");
  CHECK(first.function_error().empty());
  CHECK(lambda.wait_for_event({.name = "initDone"}).number("durationMs") < 5000);
  gate.let_one_pass();
  static_cast<void>(lambda.wait_for_log("task waits"));
  CHECK(lambda.events({.name = "extensionRegistered"}).empty());
  CHECK(lambda.events({.name = "invokeEnd"}).empty());
  task_gate.let_one_pass();
  check_prompt(lambda, first);
  CHECK(task_in(receipt(lambda, first.request_id()), "say").at("state") == "done");

  const InvokeResult second = lambda.invoke("{}");
  static_cast<void>(lambda.wait_for_log("task waits", 2));
  CHECK(lambda.events({.name = "invokeEnd"}).size() == 1);
  task_gate.let_one_pass();
  check_prompt(lambda, second);
  CHECK(task_in(receipt(lambda, second.request_id()), "say").at("state") == "done");
  // The platform's refusal may arrive after the first freeze.
  CHECK(lambda.wait_for_log("the extension was not registered").find("WARN") != std::string::npos);
  CHECK(lambda.events({.name = "environmentStart"}).size() == 1);
}

TEST_CASE("an extension that the platform refuses runs tasks all the same") {
  const TempDir folder;
  const Gate gate(folder.file("gate"));
  LocalLambda lambda(with_gated_extension(folder, gate));
  auto call = lambda.invoke_later("{}");
  static_cast<void>(lambda.wait_for_log("extension waits"));
  // Ten extensions are the most there can be.
  std::vector<RuntimeCalls> others;
  for (int number = 0; number < 10; ++number) {
    RuntimeCalls& other = others.emplace_back(lambda.runtime_api());
    const RawResponse registered =
        other.register_extension("other-" + std::to_string(number), R"({"events":[]})");
    REQUIRE(registered.status == 200);
    other.send_event_next(registered.header("Lambda-Extension-Identifier").value_or(""));
  }
  gate.let_one_pass();
  const InvokeResult first = call.get();
  check_prompt(lambda, first);
  CHECK(task_in(receipt(lambda, first.request_id()), "say").at("state") == "done");
  const InvokeResult second = lambda.invoke("{}");
  check_prompt(lambda, second);
  CHECK(task_in(receipt(lambda, second.request_id()), "say").at("state") == "done");
  CHECK(count_lines(lambda, "the extension was not registered") == 1);
}

TEST_CASE(
    "without an extension that can be started the function serves and its tasks are dropped") {
  const std::pair<const char*, const char*> extensions[] = {
      {"missing", ""},
      {"ends at once", "#!/bin/sh\nexit 3\n"},
      {"no program", "neither a script nor a binary"}};
  for (const auto& one : extensions) {
    CAPTURE(one.first);
    const TempDir folder;
    LocalLambda lambda(with_layer_of(layer_with_extension(folder, one.second),
                                     {.name = "report", .tasks = say()}));
    for (int call = 1; call <= 2; ++call) {
      const InvokeResult result = lambda.invoke(R"({"name": "Ada"})");
      CHECK(result.body().find("Ada") != std::string::npos);
      check_prompt(lambda, result);
      const auto line = receipt(lambda, result.request_id());
      check_dropped(line, "say");
      CHECK(line.at("responseMs") >= 0);
      CHECK(line.at("heldMs") < 5000);
    }
    CHECK(count_lines(lambda, "no extension: ") == 1);
    CHECK(lambda.wait_for_event({.name = "initDone"}).number("durationMs") < 2500);
  }
}

TEST_CASE("an extension file that may not be executed is as good as none") {
  const TempDir folder;
  const std::string layer = layer_with_extension(folder, "#!/bin/sh\n");
  fs::permissions(layer + "/libexec/postlude-extension", fs::perms::owner_read);
  LocalLambda lambda(with_layer_of(layer, {.name = "report", .tasks = say()}));
  const InvokeResult result = lambda.invoke("{}");
  check_prompt(lambda, result);
  check_dropped(receipt(lambda, result.request_id()), "say");
  CHECK(lambda.wait_for_log("no extension: ").find("Permission denied") != std::string::npos);
}

TEST_CASE("an extension killed before it registered is replaced by one that does") {
  const TempDir folder;
  const Gate gate(folder.file("gate"));
  LocalLambda lambda(with_gated_extension(folder, gate));
  auto call = lambda.invoke_later("{}");
  static_cast<void>(lambda.wait_for_log("extension waits"));
  const auto waiting = processes_with("EXTENSION_GATE=" + gate.path(), "postlude-extens");
  REQUIRE(waiting.size() == 1);
  REQUIRE(::kill(waiting.front(), SIGKILL) == 0);
  static_cast<void>(lambda.wait_for_log("extension waits", 2));
  CHECK(count_lines(lambda, "signal: killed) and is replaced") == 1);
  gate.let_one_pass();
  const InvokeResult first = call.get();
  check_prompt(lambda, first);
  check_done(receipt(lambda, first.request_id()), "say");
  CHECK(lambda.events({.name = "extensionRegistered"}).size() == 1);
  check_polls(lambda, 1);
}

TEST_CASE(
    "an extension killed in the middle of the init leaves its parked poll to the first event") {
  const TempDir folder;
  const Gate init_gate(folder.file("init-gate"));
  LocalLambda lambda(node_function(
      {.name = "waits_in_init", .tasks = say(), .env = {{"INIT_GATE", init_gate.path()}}}));
  auto call = lambda.invoke_later("{}");
  static_cast<void>(lambda.wait_for_log("init waits"));
  static_cast<void>(lambda.wait_for_event({.name = "extensionNext"}));
  static_cast<void>(successor_of(lambda, kill_extension(lambda)));
  init_gate.let_one_pass();
  const InvokeResult first = call.get();
  CHECK(first.body() == R"({"loaded":true})");
  check_prompt(lambda, first);
  check_done(receipt(lambda, first.request_id()), "say");
  const InvokeResult second = lambda.invoke("{}");
  check_prompt(lambda, second);
  check_done(receipt(lambda, second.request_id()), "say");
  check_polls(lambda, 2);
}

TEST_CASE("the successor of an extension that the platform refused is driven as that was") {
  const TempDir folder;
  const Gate gate(folder.file("gate"));
  const Gate task_gate(folder.file("task-gate"));
  LocalLambda lambda(with_layer_of(
      layer_with_extension(folder, gated_extension()),
      {.name = "report",
       .tasks = task_list({shell_task("say", R"(echo "task waits"; read x <"$TASK_GATE")")}),
       .env = {{"EXTENSION_GATE", gate.path()}, {"TASK_GATE", task_gate.path()}}}));
  const InvokeResult first = lambda.invoke("{}");
  gate.let_one_pass();
  static_cast<void>(lambda.wait_for_log("task waits"));
  kill_extension(lambda);
  static_cast<void>(lambda.wait_for_log("extension waits", 2));
  gate.let_one_pass();
  static_cast<void>(lambda.wait_for_log("task waits", 2));
  CHECK(lambda.events({.name = "invokeEnd"}).empty());
  task_gate.let_one_pass();
  check_prompt(lambda, first);
  check_done(receipt(lambda, first.request_id()), "say");
  CHECK(lambda.events({.name = "extensionRegistered"}).empty());
}
