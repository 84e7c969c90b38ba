// The extension is slow, refused, cannot be started or dies: the function never notices
// (contract.md section 8).
#include "tests/fakes/temp_dir.h"
#include "tests/functional/function_story.h"
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

/// A copy of the layer whose extension is `script` (empty: missing).
std::string layer_with_extension(const TempDir& folder, const std::string& script) {
  fs::create_directories(folder.file("layer/libexec"));
  fs::copy(built_layer() + "/postlude", folder.file("layer/postlude"));
  if (!script.empty()) {
    static_cast<void>(folder.write_program("layer/libexec/postlude-extension", script));
  }
  return folder.file("layer");
}

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

pid_t extension_of(const LocalLambda& lambda) {
  const auto found =
      processes_with("AWS_LAMBDA_LOG_STREAM_NAME=" +
                         lambda.events({.name = "environmentStart"}).at(0).text("logStream"),
                     "postlude-extens");
  REQUIRE(found.size() == 1);
  return found.front();
}

void kill_extension(const LocalLambda& lambda) {
  const pid_t extension = extension_of(lambda);
  REQUIRE(::kill(extension, SIGKILL) == 0);
}

void check_dropped(const nlohmann::json& receipt) {
  CHECK(receipt.at("level") == "WARN");
  CHECK(receipt.at("tasks").size() == 1);
  const auto task = task_in(receipt, "say");
  CHECK(task.at("state") == "dropped");
  CHECK(task.at("why") == "extension unavailable");
}

/// Answered, and its environment released, long before the timeout of 30 s.
void check_prompt(LocalLambda& lambda, const InvokeResult& result) {
  CHECK(result.status() == 200);
  CHECK(result.function_error().empty());
  const LambdaEvent end =
      lambda.wait_for_event({.name = "invokeEnd", .request_id = result.request_id()});
  CHECK(end.text("status") == "success");
  CHECK(end.number("durationMs") < 10'000);
  static_cast<void>(lambda.wait_for_event({.name = "frozen", .request_id = result.request_id()}));
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
      check_dropped(line);
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
  check_dropped(receipt(lambda, result.request_id()));
  CHECK(lambda.wait_for_log("no extension: ").find("Permission denied") != std::string::npos);
}

TEST_CASE("an extension killed in a frozen environment holds no invocation up") {
  LocalLambda lambda(node_function({.name = "report", .tasks = say()}));
  const InvokeResult first = lambda.invoke("{}");
  check_prompt(lambda, first);
  kill_extension(lambda);
  for (int call = 1; call <= 3; ++call) {
    const InvokeResult result = lambda.invoke("{}");
    check_prompt(lambda, result);
    check_dropped(receipt(lambda, result.request_id()));
    CHECK(result.took_ms() < 5000);
  }
  CHECK(lambda.events({.name = "environmentStart"}).size() == 1);
  CHECK(lambda.events({.name = "reset"}).empty());
}

TEST_CASE("an extension killed while its task runs leaves neither the task nor the invocation") {
  const TempDir folder;
  const Gate gate(folder.file("gate"));
  LocalLambda lambda(node_function(
      {.name = "report",
       .tasks =
           task_list({shell_task("say", R"(sleep 1000 & echo "task waits"; read x <"$GATE")")}),
       .env = {{"GATE", gate.path()}}}));
  const InvokeResult first = lambda.invoke("{}");
  static_cast<void>(lambda.wait_for_log("task waits"));
  kill_extension(lambda);
  check_prompt(lambda, first);
  const auto line = receipt(lambda, first.request_id());
  check_dropped(line);
  CHECK(line.at("responseMs") >= 0);
  CHECK(line.at("heldMs") >= 0);
  for (const char* program : {"sh", "sleep"}) {
    for (const pid_t process : processes_with("GATE=" + gate.path(), program)) {
      wait_for_state(process, "-Z");
    }
  }
  for (int call = 1; call <= 2; ++call) {
    const InvokeResult next = lambda.invoke("{}");
    check_prompt(lambda, next);
    check_dropped(receipt(lambda, next.request_id()));
  }
}

TEST_CASE("an extension killed while the handler works on after its answer is not waited for") {
  const TempDir folder;
  const Gate gate(folder.file("gate"));
  const Gate task_gate(folder.file("task-gate"));
  LocalLambda lambda(node_function(
      {.name = "works_on",
       .tasks = task_list({shell_task("say", R"(echo "task waits"; read x <"$TASK_GATE")")}),
       .env = {{"TASK_GATE", task_gate.path()}}}));
  const std::string wish = nlohmann::json({{"gate", gate.path()}}).dump();
  const InvokeResult first = lambda.invoke(wish);
  static_cast<void>(lambda.wait_for_log("task waits"));
  kill_extension(lambda);
  static_cast<void>(lambda.wait_for_log("no extension: signal: killed"));
  gate.let_one_pass();
  check_prompt(lambda, first);
  check_dropped(receipt(lambda, first.request_id()));
  gate.let_one_pass();
  const InvokeResult second = lambda.invoke(wish);
  check_prompt(lambda, second);
  check_dropped(receipt(lambda, second.request_id()));
}

TEST_CASE("work that was carried is reported dropped when the extension that held it dies") {
  LocalLambda lambda(
      node_function({.name = "failing",
                     .tasks = task_list({shell_task("say", "sleep 1000", R"(,"when":"failure")")}),
                     .options = {"--timeout", "2s"}}));
  const InvokeResult first = lambda.invoke(R"({"how": "throw"})");
  CHECK(task_in(receipt(lambda, first.request_id()), "say").at("state") == "carried");
  static_cast<void>(lambda.wait_for_event({.name = "frozen"}));
  kill_extension(lambda);
  const InvokeResult second = lambda.invoke(R"({"how": "answer"})");
  check_prompt(lambda, second);
  const auto line = nlohmann::json::parse(lambda.wait_for_log("extension unavailable"));
  CHECK(line.at("requestId") == first.request_id());
  check_dropped(line);
  const InvokeResult third = lambda.invoke(R"({"how": "answer"})");
  check_prompt(lambda, third);
  CHECK(count_lines(lambda, "extension unavailable") == 1);
}

TEST_CASE("an extension killed during the init leaves a function that serves") {
  for (const bool registered : {true, false}) {
    CAPTURE(registered);
    const TempDir folder;
    const Gate gate(folder.file("gate"));
    const Gate init_gate(folder.file("init-gate"));
    LocalLambda lambda(
        with_layer_of(layer_with_extension(folder, gated_extension()),
                      {.name = "waits_in_init",
                       .tasks = say(),
                       .env = {{"EXTENSION_GATE", gate.path()}, {"INIT_GATE", init_gate.path()}}}));
    auto call = lambda.invoke_later("{}");
    static_cast<void>(lambda.wait_for_log("init waits"));
    static_cast<void>(lambda.wait_for_log("extension waits"));
    if (registered) {
      gate.let_one_pass();
      static_cast<void>(lambda.wait_for_event({.name = "extensionNext"}));
      kill_extension(lambda);
    } else {
      const auto waiting = processes_with("EXTENSION_GATE=" + gate.path(), "postlude-extens");
      REQUIRE(waiting.size() == 1);
      REQUIRE(::kill(waiting.front(), SIGKILL) == 0);
    }
    static_cast<void>(lambda.wait_for_log("no extension: signal: killed"));
    init_gate.let_one_pass();
    const InvokeResult first = call.get();
    CHECK(first.body() == R"({"loaded":true})");
    check_prompt(lambda, first);
    check_dropped(receipt(lambda, first.request_id()));
    const InvokeResult second = lambda.invoke("{}");
    check_prompt(lambda, second);
    check_dropped(receipt(lambda, second.request_id()));
  }
}
