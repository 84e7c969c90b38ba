// The emulator's Invoke API, played from both ends: the test is the caller and the runtime.
#include "tests/fakes/process_watch.h"
#include "tests/functional/local_lambda.h"
#include "tests/functional/process_probe.h"
#include "tests/functional/runtime_calls.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>

using namespace postlude::testing;  // NOLINT(google-build-using-namespace)

TEST_CASE("a buffered caller has the answer while the runtime has not polled again") {
  LocalLambda lambda({});
  auto call = lambda.invoke_later(R"({"x": 1})");
  RuntimeCalls runtime(lambda.runtime_api());
  const RawResponse event = runtime.next();
  CHECK(event.status == 200);
  CHECK(event.body == R"({"x": 1})");
  CHECK(event.header("Content-Type") == "application/json");
  CHECK(event.header("Date").has_value());
  CHECK(event.header("Lambda-Runtime-Invoked-Function-Arn") ==
        "arn:aws:lambda:us-east-1:123456789012:function:function");
  CHECK_FALSE(event.header("Lambda-Runtime-Client-Context").has_value());
  CHECK_FALSE(event.header("Lambda-Runtime-Invocation-Id").has_value());
  const double deadline = std::stod(event.header("Lambda-Runtime-Deadline-Ms").value_or("0"));
  const RawResponse accepted = runtime.respond(id_of(event), R"({"ok":true})");
  CHECK(accepted.status == 202);
  CHECK(accepted.body == "{\"status\":\"OK\"}\n");
  CHECK(accepted.header("Content-Length") == "16");
  const InvokeResult result = call.get();
  CHECK(result.status() == 200);
  CHECK(result.body() == R"({"ok":true})");
  CHECK(result.function_error().empty());
  CHECK(result.request_id() == id_of(event));
  CHECK(result.http.header("X-Amz-Executed-Version") == "$LATEST");
  CHECK(deadline - result.started_ms > 25'000);
  CHECK(lambda.events({.name = "invokeEnd"}).empty());
  runtime.send_next();
  const LambdaEvent end =
      lambda.wait_for_event({.name = "invokeEnd", .request_id = result.request_id()});
  CHECK(end.text("status") == "success");
  CHECK(end.ms() > result.answered_ms);
}

TEST_CASE("a LogType=Tail caller is answered at the end, with START to REPORT") {
  LocalLambda lambda({});
  auto call = lambda.invoke_later("{}", {.headers = {{"X-Amz-Log-Type", "Tail"}}});
  RuntimeCalls runtime(lambda.runtime_api());
  const std::string id = id_of(runtime.next());
  CHECK(runtime.respond(id, "1").status == 202);
  CHECK(call.wait_for(std::chrono::milliseconds(200)) == std::future_status::timeout);
  runtime.send_next();
  const InvokeResult result = call.get();
  CHECK(result.body() == "1");
  const std::string tail = result.log_tail();
  CHECK(tail.starts_with("START RequestId: " + id + " Version: $LATEST\n"));
  CHECK(tail.find("END RequestId: " + id + "\nREPORT RequestId: " + id + "\tDuration: ") !=
        std::string::npos);
  CHECK(tail.find("\tMemory Size: 128 MB\tMax Memory Used: ") != std::string::npos);
  CHECK(tail.find("\tInit Duration: ") != std::string::npos);
}

TEST_CASE("between invocations every process of the environment is stopped") {
  // One in the group, one that left it, one that is daemonised and has a child.
  const std::string script =
      "sh -c 'sleep 1000 & setsid sleep 1000 & "
      "(setsid sh -c \"sleep 1000 & echo up > up; wait\" &) ; wait'";
  LocalLambda lambda({.runtime = script});
  auto call = lambda.invoke_later("{}");
  CHECK(wait_for_line_in(lambda.folder() + "/function/up") == "up");
  RuntimeCalls runtime(lambda.runtime_api());
  const std::string id = id_of(runtime.next());
  CHECK(runtime.respond(id, "1").status == 202);
  runtime.send_next();
  const LambdaEvent frozen = lambda.wait_for_event({.name = "frozen", .request_id = id});
  CHECK(frozen.text("complete") == "true");
  CHECK(frozen.json().at("pids").size() >= 5);
  for (const auto& pid : frozen.json().at("pids")) {
    CHECK(process_state(pid.get<pid_t>()) == 'T');
  }
  static_cast<void>(call.get());
  auto second = lambda.invoke_later("{}");
  const RawResponse event = runtime.read();
  CHECK(event.status == 200);
  for (const auto& pid : frozen.json().at("pids")) {
    CHECK(process_state(pid.get<pid_t>()) != 'T');
  }
  CHECK(runtime.respond(id_of(event), "2").status == 202);
  CHECK(second.get().body() == "2");
  CHECK(lambda.stop() == 0);
  for (const auto& pid : frozen.json().at("pids")) {
    CHECK(process_state(pid.get<pid_t>()) == '-');
  }
}

TEST_CASE("an environment takes one invocation at a time and further callers get another one") {
  LocalLambda lambda({.options = {"--max-environments", "2"}});
  auto first = lambda.invoke_later(R"("first")");
  RuntimeCalls one(
      lambda.wait_for_event({.name = "initStart", .members = {{"environment", "1"}}}).text("api"));
  const RawResponse first_event = one.next();
  auto second = lambda.invoke_later(R"("second")");
  RuntimeCalls two(
      lambda.wait_for_event({.name = "initStart", .members = {{"environment", "2"}}}).text("api"));
  const RawResponse second_event = two.next();
  CHECK(first_event.body == R"("first")");
  CHECK(second_event.body == R"("second")");
  const InvokeResult refused = lambda.invoke("{}");
  CHECK(refused.status() == 429);
  CHECK(refused.http.header("x-amzn-ErrorType") == "TooManyRequestsException");
  CHECK(refused.body().find(R"("Reason":"ReservedFunctionConcurrentInvocationLimitExceeded")") !=
        std::string::npos);
  CHECK(two.respond(id_of(second_event), "22").status == 202);
  CHECK(one.respond(id_of(first_event), "11").status == 202);
  CHECK(first.get().body() == "11");
  CHECK(second.get().body() == "22");
  const auto starts = lambda.events({.name = "environmentStart"});
  REQUIRE(starts.size() == 2);
  CHECK(starts[0].text("logStream") != starts[1].text("logStream"));
}

TEST_CASE("what a caller says of the invocation reaches the runtime unchanged") {
  LocalLambda lambda({.options = {"--name", "demo"}});
  // {"custom":{"a":"%0d%0aX: y"}}
  const std::string context = "eyJjdXN0b20iOnsiYSI6IiUwZCUwYVg6IHkifX0=";
  auto call = lambda.invoke_later(
      "{}",
      {.headers = {{"X-Amz-Client-Context", context},
                   {"X-Amz-Tenant-Id", "tenant-7"},
                   {"X-Amzn-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"}},
       .function = "arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Ademo"});
  RuntimeCalls runtime(lambda.runtime_api());
  const RawResponse event = runtime.next();
  CHECK(event.header("Lambda-Runtime-Client-Context") == R"({"custom":{"a":"%0d%0aX: y"}})");
  CHECK(event.header("Lambda-Runtime-Aws-Tenant-Id") == "tenant-7");
  CHECK(event.header("Lambda-Runtime-Trace-Id") ==
        "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1");
  CHECK(runtime.respond(id_of(event), "null").status == 202);
  CHECK(call.get().body() == "null");
  runtime.send_next();
  lambda.wait_for_event({.name = "frozen"});
  auto qualified = lambda.invoke_later("{}", {.function = "demo:live"});
  const RawResponse second = runtime.read();
  CHECK(second.header("Lambda-Runtime-Invoked-Function-Arn") ==
        "arn:aws:lambda:us-east-1:123456789012:function:demo:live");
  CHECK(runtime.respond(id_of(second), "0").status == 202);
  CHECK(qualified.get().status() == 200);
}

TEST_CASE("a call the service cannot take is refused in the service's words") {
  LocalLambda lambda({});
  const InvokeResult unknown = lambda.invoke("{}", {.function = "other"});
  CHECK(unknown.status() == 404);
  CHECK(unknown.http.header("x-amzn-ErrorType") == "ResourceNotFoundException");
  CHECK(unknown.body() == R"({"Type":"User","Message":"Function not found: )"
                          R"(arn:aws:lambda:us-east-1:123456789012:function:other:$LATEST"})");
  const InvokeResult no_json = lambda.invoke("{not json");
  CHECK(no_json.status() == 400);
  CHECK(no_json.http.header("x-amzn-ErrorType") == "InvalidRequestContentException");
  CHECK(no_json.body().find("Could not parse request body into json") != std::string::npos);
  const InvokeResult large = lambda.invoke("\"" + std::string(6'291'556, 'x') + "\"");
  CHECK(large.status() == 413);
  CHECK(large.http.header("x-amzn-ErrorType") == "RequestTooLargeException");
  CHECK(lambda.events({.name = "callerArrived"}).empty());
}

TEST_CASE("events of six megabytes and results of the largest size pass in both framings") {
  for (const std::string framing : {"length", "chunked"}) {
    CAPTURE(framing);
    LocalLambda lambda({.options = {"--event-framing", framing}});
    const std::string payload = "\"" + std::string(6'291'000, 'e') + "\"";
    auto call = lambda.invoke_later(payload);
    RuntimeCalls runtime(lambda.runtime_api());
    const RawResponse event = runtime.next();
    CHECK(event.chunked == (framing == "chunked"));
    CHECK(event.body == payload);
    const std::string result = "\"" + std::string(6'291'554, 'r') + "\"";
    CHECK(runtime.respond(id_of(event), result).status == 202);
    CHECK(call.get().body() == result);
  }
}

TEST_CASE("the invocation ends when the last subscribed extension has polled, the caller before") {
  LocalLambda lambda({});
  auto call = lambda.invoke_later("{}");
  const std::string api = lambda.runtime_api();
  RuntimeCalls holder(api);
  RuntimeCalls bystander(api);
  const RawResponse registered = holder.register_extension("holder", R"({"events":["INVOKE"]})");
  CHECK(registered.status == 200);
  CHECK(registered.body ==
        R"({"functionName":"function","functionVersion":"$LATEST","handler":"index.handler"})");
  const std::string holder_id = registered.header("Lambda-Extension-Identifier").value_or("");
  const std::string bystander_id = bystander.register_extension("bystander", R"({"events":[]})")
                                       .header("Lambda-Extension-Identifier")
                                       .value_or("");
  RuntimeCalls runtime(api);
  runtime.send_next();
  lambda.wait_for_event({.name = "runtimeNext"});
  bystander.send_event_next(bystander_id);
  CHECK(runtime.client().silent_for(100));  // init waits for the holder's first poll
  holder.send_event_next(holder_id);
  const RawResponse invoke = holder.read();
  const RawResponse event = runtime.read();
  CHECK(invoke.header("Lambda-Extension-Event-Identifier").has_value());
  const auto told = nlohmann::json::parse(invoke.body);
  CHECK(told.at("eventType") == "INVOKE");
  CHECK(told.at("requestId") == id_of(event));
  CHECK(std::to_string(told.at("deadlineMs").get<long long>()) ==
        event.header("Lambda-Runtime-Deadline-Ms"));
  CHECK(told.at("invokedFunctionArn") == event.header("Lambda-Runtime-Invoked-Function-Arn"));
  CHECK(told.at("tracing").at("type") == "X-Amzn-Trace-Id");
  CHECK(told.at("tracing").at("value") == event.header("Lambda-Runtime-Trace-Id"));
  CHECK(runtime.respond(id_of(event), "7").status == 202);
  CHECK(call.get().body() == "7");
  runtime.send_next();
  lambda.wait_for_event({.name = "runtimeNext", .nth = 2});
  CHECK(lambda.events({.name = "invokeEnd"}).empty());
  CHECK(lambda.events({.name = "frozen"}).empty());
  holder.send_event_next(holder_id);
  const LambdaEvent end = lambda.wait_for_event({.name = "invokeEnd"});
  CHECK(end.number("postRuntimeExtensionsMs") > 0);
  CHECK(end.number("durationMs") >= end.number("postRuntimeExtensionsMs"));
  lambda.wait_for_event({.name = "frozen"});
  CHECK(lambda.wait_for_log("EXTENSION\tName: holder") ==
        "EXTENSION\tName: holder\tState: Ready\tEvents: [INVOKE]");
}
