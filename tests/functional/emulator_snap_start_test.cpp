// SnapStart in the emulator: snapshot, restore and its failures (lambda-protocol.md 1.6, 6.1).
#include "tests/fakes/temp_dir.h"
#include "tests/functional/local_lambda.h"
#include "tests/functional/process_probe.h"
#include "tests/functional/runtime_calls.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

using namespace postlude::testing;  // NOLINT(google-build-using-namespace)

namespace {

LambdaSetup snap_start(std::vector<std::string> options = {}) {
  options.insert(options.end(), {"--init-type", "snap-start"});
  return {.options = std::move(options)};
}

/// Ends the nth init with its call to restore/next; the answer is read later.
void send_restore_next(RuntimeCalls& runtime) {
  runtime.client().request("GET", "/2018-06-01/runtime/restore/next");
}

RuntimeCalls nth_runtime(LocalLambda& lambda, std::size_t nth) {
  return RuntimeCalls(lambda.wait_for_event({.name = "initStart", .nth = nth}).text("api"));
}

/// Serves the caller that the restored runtime gets.
void serve(RuntimeCalls& runtime, const std::string& answer) {
  CHECK(runtime.respond(id_of(runtime.next()), answer).status == 202);
  runtime.send_next();
}

void check_service_error(const RawResponse& answer, int status, const std::string& type) {
  CHECK(answer.status == status);
  CHECK(answer.header("x-amzn-ErrorType").value_or("") == type);
  CHECK_FALSE(answer.header("X-Amz-Function-Error").has_value());
  CHECK(answer.body.starts_with(R"({"Type":"User","message":")"));
}

}  // namespace

TEST_CASE("a snapshot is taken inside restore/next, which closes registration") {
  LocalLambda lambda(snap_start({"--eager-init"}));
  RuntimeCalls runtime(lambda.runtime_api());
  send_restore_next(runtime);
  lambda.wait_for_event({.name = "frozen"});
  RuntimeCalls late(lambda.runtime_api());
  CHECK(late.register_extension("late", "{}").status == 403);
  CHECK(runtime.client().silent_for(100));  // nobody needs the environment yet
  auto call = lambda.invoke_later("1");
  const RawResponse restored = runtime.read();
  CHECK(restored.status == 200);
  CHECK(restored.body.empty());
  lambda.wait_for_event({.name = "thawed"});
  CHECK(lambda.events({.name = "restoreDone"}).empty());  // until the first next
  serve(runtime, "2");
  CHECK(call.get().body() == "2");
  lambda.wait_for_event({.name = "restoreDone"});
  // The connections of the snapshot are not the copy's.
  CHECK(lambda.wait_for_event({.name = "connectionsDropped"}).text("complete") == "true");
}

TEST_CASE("init and restore are reported, and the first invocation has the restore's duration") {
  LocalLambda lambda(snap_start());
  auto first = lambda.invoke_later("{}");
  RuntimeCalls runtime = nth_runtime(lambda, 1);
  send_restore_next(runtime);
  CHECK(runtime.read().status == 200);
  serve(runtime, "1");
  CHECK(first.get().body() == "1");
  CHECK(lambda.wait_for_log("INIT_REPORT").find("Status") == std::string::npos);
  CHECK(lambda.wait_for_log("RESTORE_REPORT").starts_with("RESTORE_REPORT Restore Duration: "));
  const std::string report = lambda.wait_for_log("REPORT RequestId");
  CHECK(report.find("\tRestore Duration: ") != std::string::npos);
  CHECK(report.find("\tInit Duration: ") == std::string::npos);
  auto second = lambda.invoke_later("{}");
  const RawResponse event = runtime.read();
  CHECK(runtime.respond(id_of(event), "2").status == 202);
  runtime.send_next();
  CHECK(second.get().body() == "2");
  CHECK(lambda.wait_for_log("REPORT RequestId", 2).find("Restore Duration") == std::string::npos);
  CHECK(lambda.events({.name = "restoreDone"}).size() == 1);
}

TEST_CASE("a runtime without hooks need not know of snapshots") {
  LocalLambda lambda(snap_start({"--eager-init"}));
  RuntimeCalls runtime(lambda.runtime_api());
  runtime.send_next();
  lambda.wait_for_event({.name = "frozen"});
  auto call = lambda.invoke_later("{}");
  const RawResponse event = runtime.read();
  CHECK(runtime.respond(id_of(event), "1").status == 202);
  CHECK(call.get().body() == "1");
  lambda.wait_for_event({.name = "restoreDone"});
}

TEST_CASE(
    "a hook that fails after the restore is told to the caller, the next one gets a new copy") {
  LocalLambda lambda(snap_start());
  const Headers type{{"Lambda-Runtime-Function-Error-Type", "Runtime.Hook"}};
  std::size_t attempt = 0;
  for (const char* const route : {"restore/error", "init/error"}) {
    CAPTURE(route);
    ++attempt;
    auto call = lambda.invoke_later("{}");
    RuntimeCalls runtime = nth_runtime(lambda, attempt);
    send_restore_next(runtime);
    CHECK(runtime.read().status == 200);
    CHECK(runtime.post(std::string("/2018-06-01/runtime/") + route, "{}", type).status == 202);
    check_service_error(call.get().http, 400, "SnapStartException");
    CHECK(lambda.wait_for_event({.name = "restoreFailed", .nth = attempt}).text("errorType") ==
          "Runtime.Hook");
    lambda.wait_for_event({.name = "reset", .nth = attempt});
  }
  CHECK(lambda.wait_for_log("RESTORE_REPORT").ends_with("\tStatus: error"));
  CHECK(lambda.events({.name = "initFailed"}).empty());
  CHECK(lambda.events({.name = "invokeStart"}).empty());
  auto call = lambda.invoke_later("{}");
  RuntimeCalls runtime = nth_runtime(lambda, attempt + 1);
  send_restore_next(runtime);
  CHECK(runtime.read().status == 200);
  serve(runtime, "1");
  CHECK(call.get().body() == "1");
}

TEST_CASE("a restore that takes too long is told to every kind of caller") {
  LocalLambda lambda(snap_start({"--restore-timeout", "200ms"}));
  const auto restore = [&](std::size_t nth) {
    RuntimeCalls runtime = nth_runtime(lambda, nth);
    send_restore_next(runtime);
    CHECK(runtime.read().status == 200);
    lambda.wait_for_event({.name = "reset", .members = {{"reason", "TIMEOUT"}}, .nth = nth});
  };
  auto buffered = lambda.invoke_later("{}");
  restore(1);
  check_service_error(buffered.get().http, 408, "SnapStartTimeoutException");
  CHECK(lambda.wait_for_log("RESTORE_REPORT").ends_with("\tStatus: timeout"));
  RawClient streamed(lambda.invoke_address());
  streamed.request(
      "POST", "/2021-11-15/functions/function/response-streaming-invocations", {}, "{}");
  restore(2);
  check_service_error(streamed.read_response(), 408, "SnapStartTimeoutException");
  auto by_url = lambda.url_later("GET", "/");
  restore(3);
  CHECK(by_url.get().status() == 502);
}

TEST_CASE("a restored environment asks for its credentials with the token it was given") {
  const TempDir folder;
  const std::string names =
      "[$AWS_ACCESS_KEY_ID$AWS_SECRET_ACCESS_KEY$AWS_SESSION_TOKEN] "
      "[$AWS_CONTAINER_CREDENTIALS_FULL_URI] [$AWS_CONTAINER_AUTHORIZATION_TOKEN]";
  write_script(folder.file("runtime"),
               "#!/bin/sh\necho \"variables: " + names + "\"\nexec sleep 1000\n");
  LambdaSetup setup = snap_start({"--eager-init"});
  setup.runtime = folder.file("runtime");
  LocalLambda lambda(setup);
  const std::string api = lambda.runtime_api();
  const std::string start = "variables: [] [http://" + api + "/2021-04-23/credentials] [";
  const std::string line = lambda.wait_for_log("variables: ");
  REQUIRE(line.starts_with(start));
  const std::string token = line.substr(start.size(), line.size() - start.size() - 1);
  CHECK(token.size() == 36);
  const auto ask = [&](const Headers& headers) {
    RawClient client(api);
    client.request("GET", "/2021-04-23/credentials", headers);
    return client.read_response();
  };
  const RawResponse given = ask({{"Authorization", token}});
  CHECK(given.status == 200);
  CHECK(given.header("Content-Type").value_or("") == "application/json");
  const auto keys = nlohmann::json::parse(given.body);
  CHECK(keys.at("AccessKeyId") == "AKIAIOSFODNN7EXAMPLE");
  CHECK_FALSE(keys.at("SecretAccessKey").get<std::string>().empty());
  CHECK(keys.at("Token") == "emulated");
  CHECK(keys.at("Expiration").get<std::string>().ends_with("Z"));
  CHECK(ask({{"Authorization", "other"}}).status == 404);
  CHECK(ask({}).status == 404);
}

TEST_CASE("without SnapStart the credentials are variables and nothing else gives them") {
  const TempDir folder;
  write_script(folder.file("runtime"),
               "#!/bin/sh\necho \"variables: [$AWS_ACCESS_KEY_ID] "
               "[$AWS_CONTAINER_CREDENTIALS_FULL_URI]\"\nexec sleep 1000\n");
  LocalLambda lambda({.runtime = folder.file("runtime"), .options = {"--eager-init"}});
  CHECK(lambda.wait_for_log("variables: ") == "variables: [AKIAIOSFODNN7EXAMPLE] []");
  RuntimeCalls runtime(lambda.runtime_api());
  runtime.client().request("GET", "/2021-04-23/credentials", {{"Authorization", ""}});
  CHECK(runtime.read().status == 404);
}
