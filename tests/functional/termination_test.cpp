// The environment ends: the runtime gets SIGTERM once, tasks end with a receipt, nothing is left,
// and the shim ends as the runtime did, inside the platform's budget.
#include "tests/fakes/temp_dir.h"
#include "tests/functional/function_story.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>

using namespace postlude::testing;  // NOLINT(google-build-using-namespace)

namespace {

constexpr const char* kModes[] = {"group", "process"};

FunctionSpec shell_function(const char* mode, const std::vector<std::string>& tasks = {}) {
  FunctionSpec spec{.name = "shell", .handler = "main", .options = {"--signal", mode}};
  if (!tasks.empty()) {
    spec.tasks = task_list(tasks);
  }
  return spec;
}

std::string wish(const Gate& gate) {
  return nlohmann::json({{"gate", gate.path()}}).dump();
}

/// Stops the emulator and looks at how the one environment ended.
void check_end(LocalLambda& lambda, const std::string& how) {
  CHECK(lambda.stop() == 0);
  const LambdaEvent exited = lambda.wait_for_event({.name = "processExited"});
  CHECK(exited.text("how") == how);
  CHECK(exited.ms() - lambda.wait_for_event({.name = "shutdownBegin"}).ms() < 500);
  CHECK(lambda.wait_for_event({.name = "shutdown"}).text("leftovers") == "[]");
}

/// The receipt that was written when the environment ended, not for an END line.
nlohmann::json last_receipt(const LocalLambda& lambda) {
  const auto lines = lambda.log();
  const auto last = std::find_if(lines.rbegin(), lines.rend(), [](const std::string& line) {
    return line.find(R"("postlude":"receipt")") != std::string::npos;
  });
  return last == lines.rend() ? nlohmann::json() : nlohmann::json::parse(*last);
}

}  // namespace

TEST_CASE("an idle runtime gets SIGTERM once and its exit status is repeated") {
  for (const char* mode : kModes) {
    CAPTURE(mode);
    LocalLambda lambda(provided_function(shell_function(mode)));
    const InvokeResult result = lambda.invoke("{}");
    static_cast<void>(lambda.wait_for_event({.name = "frozen", .request_id = result.request_id()}));
    check_end(lambda, "exit status 7");
    CHECK(count_lines(lambda, "runtime got SIGTERM") == 1);
  }
}

TEST_CASE(
    "a runtime that is in its handler gets SIGTERM once, and its caller the platform's error") {
  for (const char* mode : kModes) {
    CAPTURE(mode);
    const TempDir folder;
    const Gate gate(folder.file("gate"));
    LocalLambda lambda(provided_function(
        shell_function(mode, {shell_task("never", "echo task ran", R"(,"when":"always")")})));
    auto call = lambda.invoke_later(wish(gate));
    static_cast<void>(lambda.wait_for_log("handler waits"));
    check_end(lambda, "exit status 7");
    CHECK(count_lines(lambda, "runtime got SIGTERM") == 1);
    CHECK(count_lines(lambda, "task ran") == 0);
    CHECK(call.get().function_error() == "Unhandled");
  }
}

TEST_CASE("running and waiting tasks end expired, in one receipt, with all they started") {
  for (const char* mode : kModes) {
    CAPTURE(mode);
    const TempDir folder;
    const Gate gate(folder.file("gate"));
    FunctionSpec spec = shell_function(
        mode,
        {shell_task("quick", "echo quick ran"),
         shell_task(
             "stubborn",
             R"(trap '' TERM; (setsid sleep 1000 &); echo "stubborn waits"; read x <"$GATE")"),
         shell_task("later", "echo later ran")});
    spec.env = {{"GATE", gate.path()}, {"POSTLUDE_CONCURRENCY", "1"}};
    LocalLambda lambda(provided_function(spec));
    const InvokeResult result = lambda.invoke("{}");
    static_cast<void>(lambda.wait_for_log("stubborn waits"));
    check_end(lambda, "exit status 7");
    CHECK(count_lines(lambda, "runtime got SIGTERM") == 1);
    CHECK(count_lines(lambda, "later ran") == 0);
    const auto line = last_receipt(lambda);
    CHECK(line.at("requestId") == result.request_id());
    CHECK(line.at("level") == "WARN");
    CHECK(line.at("tasks").size() == 3);
    CHECK(task_in(line, "quick").at("state") == "done");
    for (const char* name : {"stubborn", "later"}) {
      CHECK(task_in(line, name).at("state") == "expired");
      CHECK(task_in(line, name).at("why") == "the environment ended");
      CHECK(task_in(line, name).at("attempts") == 0);
    }
    CHECK(count_lines(lambda, R"("postlude":"receipt")") == 1);
  }
}

TEST_CASE(
    "carried work expires with its environment, in a receipt of the invocation it came from") {
  FunctionSpec spec = shell_function("group", {shell_task("long", "sleep 1000")});
  spec.options.insert(spec.options.end(), {"--timeout", "1s"});
  LocalLambda lambda(provided_function(spec));
  const InvokeResult result = lambda.invoke("{}");
  const std::string id = result.request_id();
  CHECK(task_in(receipt(lambda, id), "long").at("state") == "carried");
  static_cast<void>(lambda.wait_for_event({.name = "frozen", .request_id = id}));
  check_end(lambda, "exit status 7");
  const auto line = last_receipt(lambda);
  CHECK(line.at("requestId") == id);
  CHECK(task_in(line, "long").at("id") == id + "/long/1");
  CHECK(task_in(line, "long").at("state") == "expired");
}

TEST_CASE("a runtime that ignores SIGTERM is killed inside the budget") {
  for (const char* mode : kModes) {
    CAPTURE(mode);
    const TempDir folder;
    const Gate gate(folder.file("gate"));
    FunctionSpec spec =
        shell_function(mode, {shell_task("wait", R"(echo "task waits"; read x <"$GATE")")});
    spec.env = {{"GATE", gate.path()}};
    LocalLambda lambda(provided_function(spec));
    const InvokeResult result = lambda.invoke(R"({"stubborn": true})");
    static_cast<void>(lambda.wait_for_log("task waits"));
    check_end(lambda, "signal: killed");
    CHECK(lambda.events({.name = "sigkill"}).empty());
    CHECK(task_in(last_receipt(lambda), "wait").at("state") == "expired");
    CHECK(last_receipt(lambda).at("requestId") == result.request_id());
  }
}

TEST_CASE("a Node.js function without a handler for SIGTERM ends by it, and so does the shim") {
  for (const char* mode : kModes) {
    CAPTURE(mode);
    const TempDir folder;
    const Gate gate(folder.file("gate"));
    LocalLambda lambda(node_function(
        {.name = "report",
         .tasks = task_list({shell_task("wait", R"(echo "task waits"; read x <"$GATE")")}),
         .env = {{"GATE", gate.path()}},
         .options = {"--signal", mode}}));
    static_cast<void>(lambda.invoke("{}"));
    static_cast<void>(lambda.wait_for_log("task waits"));
    check_end(lambda, "signal: terminated");
    CHECK(task_in(last_receipt(lambda), "wait").at("state") == "expired");
  }
}

TEST_CASE("an idle environment is shut down as quietly as without tasks") {
  LocalLambda lambda(node_function({.name = "report",
                                    .tasks = task_list({shell_task("say", "echo task ran")}),
                                    .options = {"--idle-shutdown", "300ms"}}));
  const InvokeResult result = lambda.invoke("{}");
  CHECK(task_in(receipt(lambda, result.request_id()), "say").at("state") == "done");
  const LambdaEvent end = lambda.wait_for_event({.name = "shutdown"});
  CHECK(end.text("leftovers") == "[]");
  CHECK(count_lines(lambda, R"("postlude")") == 1);
  CHECK(lambda.invoke("{}").status() == 200);
  CHECK(lambda.wait_for_event({.name = "environmentStart", .nth = 2}).number("environment") == 2);
}
