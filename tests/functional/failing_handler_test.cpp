// Functions that fail, on AWS's own runtime client: the caller sees what it would see without the
// layer, and the tasks of that outcome run.
#include "tests/fakes/temp_dir.h"
#include "tests/functional/function_story.h"
#include "tests/functional/process_probe.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>

using namespace postlude::testing;  // NOLINT(google-build-using-namespace)

namespace {

enum class Caller { invoke, url };

struct Case {
  const char* how;
  const char* handler = "index.handler";
  Caller caller = Caller::invoke;
};

/// What a caller sees, without what differs from call to call.
std::string seen_by_caller(const InvokeResult& result) {
  std::string text = std::to_string(result.status()) + (result.http.cut ? " cut\n" : "\n");
  for (const auto& [name, value] : result.http.headers) {
    static const std::set<std::string> kChanging{
        "x-amzn-RequestId", "X-Amzn-Trace-Id", "Date", "X-Amz-Log-Result"};
    text.append(name).append(kChanging.contains(name) ? "" : ": " + value).append("\n");
  }
  text += result.body();
  const std::string id = result.request_id();
  for (std::size_t at = text.find(id); !id.empty() && at != std::string::npos; at = text.find(id)) {
    text.replace(at, id.size(), "ID");
  }
  return text;
}

FunctionSpec failing(const Case& which, const std::vector<std::string>& tasks = {}) {
  FunctionSpec spec{.name = "failing", .handler = which.handler};
  if (!tasks.empty()) {
    spec.tasks = task_list(tasks);
  }
  // One environment, so that it is seen to start again.
  spec.options = {"--max-environments", "1", "--admission-wait", "30s"};
  if (which.caller == Caller::url) {
    spec.options.insert(spec.options.end(), {"--url-mode", "stream"});
  }
  return spec;
}

InvokeResult call(LocalLambda& lambda, const Case& which) {
  const std::string wish = nlohmann::json({{"how", which.how}}).dump();
  return which.caller == Caller::url
             ? lambda.url("POST", "/", {{"Content-Type", "application/json"}}, wish)
             : lambda.invoke(wish);
}

std::vector<std::string> a_task_for_each_outcome() {
  return {shell_task("on-success", "echo on-success ran", R"(,"when":"success")"),
          shell_task("on-failure",
                     R"(cat >"$REPORT_DIR/document.json"; echo on-failure ran)",
                     R"(,"when":"failure")"),
          shell_task("ever", "echo ever ran", R"(,"when":"always")")};
}

std::vector<std::string> names_in(const nlohmann::json& receipt) {
  std::vector<std::string> names;
  for (const auto& task : receipt.at("tasks")) {
    CHECK(task.at("state") == "done");
    names.push_back(task.at("name"));
  }
  return names;
}

std::size_t records_in(const std::string& folder) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    count += entry.path().extension() == ".task" ? 1U : 0U;
  }
  return count;
}

}  // namespace

TEST_CASE("a caller of a failing function sees what it would see without the layer") {
  const Case cases[] = {{"throw"},
                        {"reject with a text"},
                        {"too large"},
                        {"exit"},
                        {"exit 0"},
                        {"kill"},
                        {"throw before", "index.streaming"},
                        {"throw after", "index.streaming"},
                        {"exit", "index.streaming"},
                        {"throw before", "index.streaming", Caller::url},
                        {"throw after", "index.streaming", Caller::url},
                        {"exit", "index.streaming", Caller::url},
                        {"kill", "index.streaming", Caller::url},
                        {"nothing at all", "index.streaming", Caller::url}};
  // One pair of functions for all cases of a kind; those that die are started again.
  for (const auto& [handler, caller] : {std::pair{"index.handler", Caller::invoke},
                                        {"index.streaming", Caller::invoke},
                                        {"index.streaming", Caller::url}}) {
    const Case kind{"", handler, caller};
    LocalLambda layered(
        node_function(failing(kind, {shell_task("ever", "true", R"(,"when":"always")")})));
    LocalLambda plain(without_layer(node_function(failing(kind))));
    for (const Case& one : cases) {
      if (std::string_view(one.handler) == handler && one.caller == caller) {
        CAPTURE(one.how);
        CHECK(seen_by_caller(call(layered, one)) == seen_by_caller(call(plain, one)));
      }
    }
  }
}

TEST_CASE("the tasks of the outcome run after the answer, each with the right document") {
  const Case cases[] = {{"throw"},
                        {"too large"},
                        {"answer"},
                        {"throw before", "index.streaming", Caller::url},
                        {"throw after", "index.streaming", Caller::url},
                        {"answer", "index.streaming", Caller::url}};
  for (const Case& one : cases) {
    CAPTURE(one.handler);
    CAPTURE(one.how);
    const TempDir folder;
    FunctionSpec spec = failing(one, a_task_for_each_outcome());
    spec.env = {{"REPORT_DIR", folder.path()}};
    LocalLambda lambda(node_function(spec));
    const InvokeResult result = call(lambda, one);
    const auto line = receipt(lambda, result.request_id());
    const bool succeeds = std::string_view(one.how) == "answer";
    CHECK(names_in(line) ==
          std::vector<std::string>{succeeds ? "on-success" : "on-failure", "ever"});
    CHECK(count_lines(lambda, "on-success ran") == (succeeds ? 1 : 0));
    CHECK(count_lines(lambda, "on-failure ran") == (succeeds ? 0 : 1));
    CHECK(count_lines(lambda, "ever ran") == 1);
    if (succeeds) {
      continue;
    }
    const auto document = nlohmann::json::parse(folder.read("document.json"));
    if (std::string_view(one.how).starts_with("throw")) {
      CHECK(document.at("error").at("errorType") == "OrderError");
      CHECK(document.at("error").at("errorMessage").get<std::string>().size() > 10);
    }
    if (one.caller == Caller::invoke && std::string_view(one.how) == "throw") {
      CHECK(document.at("response").is_null());
      CHECK(document.at("error") == nlohmann::json::parse(result.body()));
    }
  }
}

TEST_CASE("a throw after the end of the stream changes nothing for the caller and the tasks") {
  const Case one{"end, then throw", "index.streaming", Caller::url};
  const TempDir folder;
  FunctionSpec spec = failing(one, a_task_for_each_outcome());
  spec.env = {{"REPORT_DIR", folder.path()}};
  LocalLambda lambda(node_function(spec));
  const InvokeResult result = call(lambda, one);
  CHECK(result.status() == 200);
  CHECK(result.body() == "first bytes");
  const auto line = receipt(lambda, result.request_id());
  CHECK(names_in(line) == std::vector<std::string>{"on-success", "ever"});
}

TEST_CASE("an error posted after the answer changes nothing and stands in the receipt") {
  for (const bool with_task : {true, false}) {
    CAPTURE(with_task);
    FunctionSpec spec{.name = "shell", .handler = "main"};
    if (with_task) {
      spec.tasks = task_list(a_task_for_each_outcome());
      spec.env = {{"REPORT_DIR", "/nowhere"}};
    }
    LocalLambda lambda(provided_function(spec));
    const InvokeResult result = lambda.invoke(R"({"late": true})");
    const std::string id = result.request_id();
    CHECK(result.function_error().empty());
    CHECK(result.body() == R"({"answered": ")" + id + R"("})");
    const auto line = receipt(lambda, id);
    CHECK(line.at("lateErrorType") == "Function.Late");
    CHECK(line.at("tasks").size() == (with_task ? 2 : 0));
    const auto told = nlohmann::json::parse(lambda.wait_for_log("error after the answer: "));
    CHECK(told.at("level") == "ERROR");
    CHECK(told.at("requestId") == id);
    CHECK(count_lines(lambda, "secret") == 0);
    CHECK(lambda.wait_for_event({.name = "invokeEnd"}).text("status") == "success");
  }
}

TEST_CASE("a runtime that dies before its answer is reported as it is, its tasks are only kept") {
  const struct {
    const char* how;
    const char* end;
    const char* message;
  } cases[] = {{"exit", "exit status 3", "Runtime exited with error: exit status 3"},
               {"exit 0", "exit status 0", "Runtime exited without providing a reason"},
               {"kill", "signal: killed", "Runtime exited with error: signal: killed"}};
  for (const auto& one : cases) {
    CAPTURE(one.how);
    const TempDir folder;
    FunctionSpec spec = failing({one.how}, a_task_for_each_outcome());
    spec.env = {{"REPORT_DIR", folder.path()}, {"POSTLUDE_SPOOL_DIR", folder.file("spool")}};
    LocalLambda lambda(node_function(spec));
    const InvokeResult result = call(lambda, {one.how});
    const std::string id = result.request_id();
    CHECK(result.function_error() == "Unhandled");
    const nlohmann::json expected = {
        {"errorType", "Runtime.ExitError"},
        {"errorMessage", "RequestId: " + id + " Error: " + one.message}};
    CHECK(nlohmann::json::parse(result.body()) == expected);
    const LambdaEvent exited = lambda.wait_for_event({.name = "processExited"});
    CHECK(exited.text("how") == one.end);
    static_cast<void>(lambda.wait_for_event({.name = "reset"}));
    CHECK(records_in(folder.path()) == 2);  // on-failure and ever
    // Not run now: the platform had to learn of the death at once.
    CHECK(count_lines(lambda, " ran") == 0);
    CHECK(receipts(lambda, id).empty());
    // The environment starts again and serves; what was kept comes first.
    const InvokeResult next = call(lambda, {"answer"});
    CHECK(next.function_error().empty());
    CHECK(names_in(receipt(lambda, next.request_id())) ==
          std::vector<std::string>{"on-failure", "ever", "on-success", "ever"});
    static_cast<void>(
        lambda.wait_for_event({.name = "invokeEnd", .request_id = next.request_id()}));
    CHECK(records_in(folder.path()) == 0);
    CHECK(lambda.events({.name = "environmentStart"}).size() == 1);
  }
}

TEST_CASE("a runtime that dies after its answer is outlived by its tasks, then repeated") {
  const std::pair<Case, const char*> cases[] = {
      {{"answer, then kill"}, "signal: killed"},
      {{"end, then exit", "index.streaming", Caller::url}, "exit status 3"}};
  for (const auto& death : cases) {
    const auto& [one, end] = death;
    CAPTURE(death.second);
    const TempDir folder;
    const Gate gate(folder.file("gate"));
    FunctionSpec spec =
        failing(one, {shell_task("wait", R"(echo begins; read x <"$GATE"; echo ends)")});
    spec.env = {{"GATE", gate.path()}};
    LocalLambda lambda(node_function(spec));
    const InvokeResult result = call(lambda, one);
    const std::string id = result.request_id();
    CHECK(result.function_error().empty());
    CHECK(result.status() == 200);
    static_cast<void>(lambda.wait_for_log("begins"));
    for (const pid_t runtime : processes_with("GATE=" + gate.path(), "node")) {
      wait_for_state(runtime, "-");
    }
    CHECK(lambda.events({.name = "processExited"}).empty());
    gate.let_one_pass();
    const LambdaEvent exited = lambda.wait_for_event({.name = "processExited"});
    CHECK(exited.text("how") == end);
    CHECK(task_in(receipt(lambda, id), "wait").at("state") == "done");
    CHECK(count_lines(lambda, "ends") == 1);
    static_cast<void>(lambda.wait_for_event({.name = "reset"}));
    CHECK(call(lambda, {"answer", one.handler, one.caller}).status() == 200);
  }
}

TEST_CASE("an environment is not frozen between the death of its runtime and the shim's end") {
  // The task ends the runtime and, as soon as that has ended, itself.
  LocalLambda lambda(node_function(
      failing({"answer with pid"},
              {shell_task("ends-both",
                          R"(pid=$(sed -n 's/.*"pid":\([0-9]*\).*/\1/p'); kill -9 "$pid"; )"
                          R"(while kill -0 "$pid" 2>/dev/null; do :; done)")})));
  for (int time = 1; time <= 3; ++time) {
    const InvokeResult result = call(lambda, {"answer with pid"});
    const std::string id = result.request_id();
    CHECK(result.function_error().empty());
    const LambdaEvent end = lambda.wait_for_event({.name = "invokeEnd", .request_id = id});
    CHECK(end.text("errorType") == "Runtime.ExitError");
    CHECK(end.text("answered") == "true");
    CHECK(task_in(receipt(lambda, id), "ends-both").at("state") == "done");
  }
  CHECK(lambda.events({.name = "frozen"}).empty());
  static_cast<void>(lambda.wait_for_event({.name = "reset", .nth = 3}));
}

TEST_CASE("a function that cannot be loaded fails its init as without the layer") {
  const Case one{"", "broken.handler"};
  LocalLambda layered(
      node_function(failing(one, {shell_task("ever", "echo ran", R"(,"when":"always")")})));
  LocalLambda plain(without_layer(node_function(failing(one))));
  const InvokeResult with = call(layered, one);
  CHECK(seen_by_caller(with) == seen_by_caller(call(plain, one)));
  CHECK(nlohmann::json::parse(with.body())
            .at("errorMessage")
            .get<std::string>()
            .find("cannot be loaded") != std::string::npos);
  CHECK(layered.wait_for_event({.name = "initError"}).text("type") ==
        plain.wait_for_event({.name = "initError"}).text("type"));
  CHECK(count_lines(layered, "ran") == 0);
}
