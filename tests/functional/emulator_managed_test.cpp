// Managed Instances in the emulator: several invocations at once in one environment, no INVOKE for
// extensions, no freeze, no reset (lambda-protocol.md 1.11).
#include "tests/fakes/process_watch.h"
#include "tests/fakes/temp_dir.h"
#include "tests/functional/local_lambda.h"
#include "tests/functional/process_probe.h"
#include "tests/functional/runtime_calls.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <sys/stat.h>

#include <fstream>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace postlude::testing;  // NOLINT(google-build-using-namespace)

namespace {

LambdaSetup managed(std::vector<std::string> options = {}) {
  options.insert(options.end(), {"--managed-instances", "3", "--eager-init"});
  return {.options = std::move(options)};
}

/// Two workers with a parked poll each, in that order.
struct TwoWorkers {
  explicit TwoWorkers(LocalLambda& lambda)
      : first(lambda.runtime_api()), second(lambda.runtime_api()) {
    first.send_next();
    lambda.wait_for_event({.name = "runtimeNext", .members = {{"worker", "1"}}});
    second.send_next();
    lambda.wait_for_event({.name = "runtimeNext", .members = {{"worker", "2"}}});
    lambda.wait_for_event({.name = "initDone"});
  }
  RuntimeCalls first;
  RuntimeCalls second;
};

pid_t runtime_pid(LocalLambda& lambda) {
  return static_cast<pid_t>(
      lambda.wait_for_event({.name = "processStarted", .members = {{"process", "runtime"}}})
          .number("pid"));
}

}  // namespace

TEST_CASE("the function learns of Managed Instances by its environment") {
  const TempDir folder;
  const std::string file = folder.path() + "/seen";
  LambdaSetup setup = managed();
  setup.runtime =
      "sh -c 'echo $AWS_LAMBDA_MAX_CONCURRENCY $AWS_LAMBDA_INITIALIZATION_TYPE "
      "$AWS_LAMBDA_LOG_FORMAT >" +
      file + "; sleep 1000'";
  LocalLambda lambda(setup);
  CHECK(wait_for_line_in(file) == "3 lambda-managed-instances JSON");
}

TEST_CASE("two invocations run at once in one environment and are answered in any order") {
  LocalLambda lambda(managed());
  TwoWorkers workers(lambda);
  auto one = lambda.invoke_later("1");
  const RawResponse first = workers.first.read();
  auto two = lambda.invoke_later("2");
  const RawResponse second = workers.second.read();
  CHECK(first.body == "1");
  CHECK(second.body == "2");
  CHECK(id_of(first) != id_of(second));
  // By either connection: the request id alone counts.
  CHECK(workers.first.respond(id_of(second), "\"two\"").status == 202);
  CHECK(two.get().body() == "\"two\"");
  CHECK(workers.second.respond(id_of(first), "\"one\"").status == 202);
  CHECK(one.get().body() == "\"one\"");
  for (const std::string& id : {id_of(first), id_of(second)}) {
    const LambdaEvent end = lambda.wait_for_event({.name = "invokeEnd", .request_id = id});
    CHECK(end.text("status") == "success");
    CHECK(end.text("environment") == "1");
  }
  // Over with the answer: nobody has polled again, and nothing was frozen.
  CHECK(lambda.events({.name = "runtimeNext"}).size() == 2);
  CHECK(lambda.events({.name = "frozen"}).empty());
  CHECK(process_state(runtime_pid(lambda)) != 'T');
  const RawResponse again = workers.first.respond(id_of(first), "3");
  CHECK(again.status == 400);
  CHECK(again.body.find("\"InvalidRequestID\"") != std::string::npos);
}

TEST_CASE("a caller without an idle worker is told, or waits as long as it may") {
  {
    LocalLambda lambda(managed());
    TwoWorkers workers(lambda);
    auto one = lambda.invoke_later("1");
    auto two = lambda.invoke_later("2");
    const std::string first = id_of(workers.first.read());
    const std::string second = id_of(workers.second.read());
    const InvokeResult none = lambda.invoke("3");
    CHECK(none.function_error() == "Unhandled");
    CHECK(none.body() == R"({"errorType":"Runtime.Unavailable","errorMessage":"RequestId: )" +
                             none.request_id() + R"( Error: no idle runtimes"})");
    CHECK(workers.first.respond(first, "1").status == 202);
    CHECK(workers.second.respond(second, "2").status == 202);
  }
  LocalLambda lambda(managed({"--admission-wait", "60s"}));
  TwoWorkers workers(lambda);
  auto one = lambda.invoke_later("1");
  auto two = lambda.invoke_later("2");
  const std::string first = id_of(workers.first.read());
  static_cast<void>(workers.second.read());
  auto three = lambda.invoke_later("3");
  lambda.wait_for_event({.name = "callerArrived", .nth = 3});
  CHECK(workers.first.respond(first, "1").status == 202);
  workers.first.send_next();
  const RawResponse third = workers.first.read();
  CHECK(third.body == "3");
  CHECK(workers.first.respond(id_of(third), "33").status == 202);
  CHECK(three.get().body() == "33");
}

TEST_CASE("more callers than the environment takes at once are throttled") {
  LocalLambda lambda(managed({"--max-environments", "1", "--admission-wait", "0ms"}));
  TwoWorkers workers(lambda);
  RuntimeCalls third(lambda.runtime_api());
  third.send_next();
  lambda.wait_for_event({.name = "runtimeNext", .members = {{"worker", "3"}}});
  RuntimeCalls fourth(lambda.runtime_api());
  fourth.send_next();
  lambda.wait_for_event({.name = "runtimeNext", .members = {{"worker", "4"}}});
  std::vector<std::future<InvokeResult>> calls;
  calls.reserve(3);
  for (int i = 0; i < 3; ++i) {
    calls.push_back(lambda.invoke_later("{}"));
  }
  static_cast<void>(workers.first.read());
  static_cast<void>(workers.second.read());
  static_cast<void>(third.read());
  CHECK(lambda.invoke("{}").status() == 429);
}

TEST_CASE("each invocation has a deadline of its own and its end resets nothing") {
  LocalLambda lambda(managed({"--timeout", "400ms"}));
  TwoWorkers workers(lambda);
  auto one = lambda.invoke_later("1");
  const RawResponse first = workers.first.read();
  const InvokeResult timed_out = one.get();
  CHECK(timed_out.body() == R"({"errorType":"Sandbox.Timedout","errorMessage":"RequestId: )" +
                                id_of(first) + R"( Error: Task timed out after 0.40 seconds"})");
  CHECK(lambda.wait_for_event({.name = "invokeEnd"}).text("status") == "timeout");
  const RawResponse late = workers.first.respond(id_of(first), "1");
  CHECK(late.status == 410);
  CHECK(late.body == "{\"errorMessage\":\"Invoke timeout\",\"errorType\":\"InvokeTimeout\"}\n");
  CHECK(workers.first.respond(id_of(first), "1").status == 400);
  auto two = lambda.invoke_later("2");
  const RawResponse second = workers.second.read();
  CHECK(workers.second.respond(id_of(second), "2").status == 202);
  CHECK(two.get().body() == "2");
  CHECK(lambda.events({.name = "reset"}).empty());
  CHECK(process_state(runtime_pid(lambda)) != '-');
}

TEST_CASE("an error after the stream began cuts it, and the stream's sender learns it") {
  LocalLambda lambda(managed({"--url-mode", "stream"}));
  TwoWorkers workers(lambda);
  auto call = lambda.url_later("GET", "/");
  const std::string id = id_of(workers.first.read());
  workers.first.client().send(streaming_head(id, "text/plain") + chunk("hello"));
  lambda.wait_for_event({.name = "responseStart", .request_id = id});
  CHECK(workers.second.client().silent_for(1));
  RuntimeCalls other(lambda.runtime_api());
  CHECK(other
            .fail(id,
                  R"({"errorMessage":"boom","errorType":"Broken"})",
                  {{"Lambda-Runtime-Function-Error-Type", "Function.Broken"}})
            .status == 202);
  const InvokeResult result = call.get();
  CHECK(result.http.cut);
  CHECK(result.body() == "hello");
  workers.first.client().send(chunk("more"));
  const RawResponse refused = workers.first.read();
  CHECK(refused.status == 500);
  CHECK(refused.body.find("\"InternalServerError\"") != std::string::npos);
  CHECK(lambda.wait_for_event({.name = "invokeEnd", .request_id = id}).text("status") == "success");
}

TEST_CASE("error reports have a limit and change nothing above it") {
  LocalLambda lambda(managed());
  TwoWorkers workers(lambda);
  auto call = lambda.invoke_later("1");
  const std::string id = id_of(workers.first.read());
  RuntimeCalls large(lambda.runtime_api());
  CHECK(large.fail(id, std::string((std::size_t{1} << 20) + 1, 'x')).status == 413);
  CHECK(workers.first.fail(id, R"({"errorType":"Mine"})").status == 202);
  const InvokeResult result = call.get();
  CHECK(result.function_error() == "Unhandled");
  CHECK(result.body() == R"({"errorType":"Mine"})");
}

TEST_CASE("a worker that hangs up is none any more, and others go on") {
  LocalLambda lambda(managed());
  auto gone = std::make_unique<RuntimeCalls>(lambda.runtime_api());
  gone->send_next();
  lambda.wait_for_event({.name = "runtimeNext", .members = {{"worker", "1"}}});
  RuntimeCalls alive(lambda.runtime_api());
  alive.send_next();
  lambda.wait_for_event({.name = "runtimeNext", .members = {{"worker", "2"}}});
  gone.reset();
  lambda.wait_for_event({.name = "pollerGone", .members = {{"worker", "1"}}});
  auto call = lambda.invoke_later("8");
  const RawResponse event = alive.read();
  CHECK(alive.respond(id_of(event), "9").status == 202);
  CHECK(call.get().body() == "9");
}

TEST_CASE("extensions get no INVOKE: external ones may have SHUTDOWN, internal ones nothing") {
  const TempDir folder;
  write_script(folder.path() + "/layer/extensions/outside", "#!/bin/sh\nexec sleep 1000\n");
  LambdaSetup setup = managed();
  setup.layer_dir = folder.path() + "/layer";
  LocalLambda lambda(setup);
  const std::string api = lambda.runtime_api();
  lambda.wait_for_event({.name = "processStarted", .members = {{"process", "outside"}}});
  RuntimeCalls outside(api);
  const RawResponse invoke = outside.register_extension("outside", R"({"events":["INVOKE"]})");
  CHECK(invoke.status == 403);
  CHECK(invoke.body ==
        "{\"errorMessage\":\"INVOKE: ErrorInvalidEventType\",\"errorType\":\"Extension."
        "InvalidEventType\"}\n");
  const RawResponse registered =
      outside.register_extension("outside", R"({"events":["SHUTDOWN"]})");
  CHECK(registered.status == 200);
  outside.send_event_next(registered.header("Lambda-Extension-Identifier").value_or(""));
  runtime_pid(lambda);
  RuntimeCalls inside(api);
  for (const char* events : {R"({"events":["INVOKE"]})", R"({"events":["SHUTDOWN"]})"}) {
    const RawResponse refused = inside.register_extension("inside", events);
    CHECK(refused.status == 403);
    CHECK(refused.body ==
          "{\"errorMessage\":\"No events allowed for internal extensions\",\"errorType\":"
          "\"Extension.InvalidEventType\"}\n");
  }
  const RawResponse none = inside.register_extension("inside", R"({"events":[]})");
  CHECK(none.status == 200);
  inside.send_event_next(none.header("Lambda-Extension-Identifier").value_or(""));
  RuntimeCalls runtime(api);
  runtime.send_next();
  lambda.wait_for_event({.name = "initDone"});
  auto call = lambda.invoke_later("1");
  const RawResponse event = runtime.read();
  CHECK(runtime.respond(id_of(event), "2").status == 202);
  CHECK(call.get().body() == "2");
  CHECK(outside.client().silent_for(50));
  CHECK(inside.client().silent_for(1));
  lambda.control("shutdown");
  const auto told = nlohmann::json::parse(outside.read().body);
  CHECK(told.at("eventType") == "SHUTDOWN");
  CHECK(told.at("shutdownReason") == "SPINDOWN");
}

TEST_CASE("the death of the runtime fails what runs and ends the environment for good") {
  LambdaSetup setup = managed();
  setup.runtime = "sh -c 'read line <\"$GATE\"; exit 3'";
  const TempDir folder;
  setup.env = {{"GATE", folder.path() + "/gate"}};
  REQUIRE(::mkfifo((folder.path() + "/gate").c_str(), S_IRUSR | S_IWUSR) == 0);
  LocalLambda lambda(setup);
  TwoWorkers workers(lambda);
  auto one = lambda.invoke_later("1");
  auto two = lambda.invoke_later("2");
  static_cast<void>(workers.first.read());
  static_cast<void>(workers.second.read());
  std::ofstream(folder.path() + "/gate") << "go\n";
  for (auto* call : {&one, &two}) {
    const InvokeResult result = call->get();
    CHECK(result.body() == R"({"errorType":"Runtime.ExitError","errorMessage":"RequestId: )" +
                               result.request_id() +
                               R"( Error: Runtime exited with error: exit status 3"})");
  }
  lambda.wait_for_event({.name = "reset", .members = {{"reason", "FAILURE"}}});
  auto next = lambda.invoke_later("3");
  lambda.wait_for_event({.name = "initStart", .members = {{"environment", "2"}}});
  CHECK(lambda.events({.name = "initStart", .members = {{"environment", "1"}}}).size() == 1);
}

TEST_CASE("an init that fails is told to the callers that waited for it") {
  LambdaSetup setup{.runtime = "false", .options = {"--managed-instances", "2"}};
  LocalLambda lambda(setup);
  const InvokeResult result = lambda.invoke("{}");
  CHECK(result.body() == R"({"errorType":"Runtime.ExitError","errorMessage":"RequestId: )" +
                             result.request_id() +
                             R"( Error: Runtime exited with error: exit status 1"})");
  CHECK(lambda.events({.name = "initStart"}).size() == 1);
}

TEST_CASE("routes and bodies that Managed Instances have not are refused") {
  LocalLambda lambda(managed());
  RuntimeCalls calls(lambda.runtime_api());
  calls.client().request("GET", "/2018-06-01/runtime/restore/next");
  CHECK(calls.read().status == 404);
  calls.client().request("PUT", "/2020-08-15/logs", {}, "{}");
  CHECK(calls.read().status == 404);
  calls.client().request("GET", "/2018-06-01/runtime/invocation/next", {}, "body");
  CHECK(calls.read().status == 413);
}

TEST_CASE("the platform's records are JSON, with the reports of interleaved invocations") {
  LocalLambda lambda(managed());
  TwoWorkers workers(lambda);
  auto one = lambda.invoke_later("1", {.headers = {{"X-Amz-Log-Type", "Tail"}}});
  const std::string first = id_of(workers.first.read());
  auto two = lambda.invoke_later("2");
  const std::string second = id_of(workers.second.read());
  CHECK(workers.first.respond(first, "1").status == 202);
  CHECK(workers.second.respond(second, "2").status == 202);
  for (const std::string& id : {first, second}) {
    const auto report = nlohmann::json::parse(lambda.wait_for_log(
        R"("type":"platform.report","record":{"metrics")", id == first ? 1 : 2));
    CHECK(report.at("record").at("status") == "success");
  }
  const std::string tail = one.get().log_tail();
  CHECK(tail.find(R"("type":"platform.start")") != std::string::npos);
  CHECK(tail.find(R"("type":"platform.report")") != std::string::npos);
  CHECK(tail.find(second) == std::string::npos);
  CHECK(lambda.wait_for_log("platform.initStart").find("lambda-managed-instances") !=
        std::string::npos);
}
