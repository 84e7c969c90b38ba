// The limits of an init in the emulator, and the init that is part of an invocation
// (lambda-protocol.md 4.1, 4.5).
#include "tests/functional/local_lambda.h"
#include "tests/functional/runtime_calls.h"

#include <doctest/doctest.h>

#include <sys/types.h>

#include <csignal>
#include <string>

using namespace postlude::testing;  // NOLINT(google-build-using-namespace)

namespace {

/// Of the environment's nth init.
std::string api_of(LocalLambda& lambda, std::size_t nth) {
  return lambda.wait_for_event({.name = "initStart", .nth = nth}).text("api");
}

/// Polls when the limit of an init is over for long.
void poll_late(RuntimeCalls& runtime) {
  CHECK(runtime.client().silent_for(400));
  runtime.send_next();
}

}  // namespace

TEST_CASE("the init inside an invocation has the function's time, not the limit of an init") {
  LocalLambda lambda({.options = {"--init-timeout", "200ms", "--timeout", "20s"}});
  auto call = lambda.invoke_later("{}");
  static_cast<void>(api_of(lambda, 1));
  lambda.wait_for_event({.name = "initFailed", .members = {{"phase", "init"}}});
  RuntimeCalls runtime(api_of(lambda, 2));
  poll_late(runtime);
  const RawResponse event = runtime.read();
  const LambdaEvent start = lambda.wait_for_event({.name = "invokeStart"});
  CHECK(runtime.respond(id_of(event), "1").status == 202);
  CHECK(call.get().body() == "1");
  runtime.send_next();
  const LambdaEvent end = lambda.wait_for_event({.name = "invokeEnd"});
  CHECK(end.number("durationMs") > end.ms() - start.ms() + 390);  // with the init
  CHECK(lambda.wait_for_log("REPORT RequestId").find("Init Duration") == std::string::npos);
  CHECK(lambda.events({.name = "initFailed"}).size() == 1);
}

TEST_CASE("an invocation's deadline counts from the init inside it") {
  LocalLambda lambda({.options = {"--init-timeout", "200ms", "--timeout", "20s"}});
  auto call = lambda.invoke_later("{}");
  const LambdaEvent init = lambda.wait_for_event({.name = "initStart", .nth = 2});
  RuntimeCalls runtime(init.text("api"));
  poll_late(runtime);
  const RawResponse event = runtime.read();
  const double deadline = std::stod(event.header("Lambda-Runtime-Deadline-Ms").value_or("0"));
  CHECK(deadline - init.ms() < 20'050);
  CHECK(deadline - init.ms() > 19'500);
  CHECK(runtime.respond(id_of(event), "1").status == 202);
  CHECK(call.get().body() == "1");
}

TEST_CASE("after a reset the next caller's init is inside its invocation") {
  LocalLambda lambda({.options = {"--init-timeout", "300ms", "--timeout", "2s"}});
  auto first = lambda.invoke_later("{}");
  RuntimeCalls runtime(api_of(lambda, 1));
  const std::string id = id_of(runtime.next());
  CHECK(runtime.fail(id, "{}").status == 202);  // answered, but it never polls again
  CHECK(first.get().function_error() == "Unhandled");
  lambda.wait_for_event({.name = "reset", .members = {{"reason", "TIMEOUT"}}});
  auto second = lambda.invoke_later("{}");
  RuntimeCalls again(api_of(lambda, 2));
  poll_late(again);  // longer than an init may take
  const RawResponse event = again.read();
  CHECK(again.respond(id_of(event), "2").status == 202);
  CHECK(second.get().body() == "2");
  CHECK(lambda.events({.name = "initFailed"}).empty());
}

TEST_CASE("an idle environment whose runtime died has its next init inside an invocation") {
  LocalLambda lambda({.options = {"--init-timeout", "300ms"}});
  auto first = lambda.invoke_later("{}");
  RuntimeCalls runtime(api_of(lambda, 1));
  CHECK(runtime.respond(id_of(runtime.next()), "1").status == 202);
  runtime.send_next();
  CHECK(first.get().body() == "1");
  lambda.wait_for_event({.name = "frozen"});
  const auto pid =
      static_cast<pid_t>(lambda.wait_for_event({.name = "processStarted"}).number("pid"));
  REQUIRE(::kill(pid, SIGKILL) == 0);
  lambda.wait_for_event({.name = "reset", .members = {{"reason", "FAILURE"}}});
  auto second = lambda.invoke_later("{}");
  RuntimeCalls again(api_of(lambda, 2));
  poll_late(again);
  CHECK(again.respond(id_of(again.read()), "2").status == 202);
  CHECK(second.get().body() == "2");
}

TEST_CASE("an extension that never asks for its first event keeps the init from its end") {
  LocalLambda lambda({.options = {"--init-timeout", "300ms", "--timeout", "400ms"}});
  auto call = lambda.invoke_later("{}");
  for (std::size_t nth : {1U, 2U}) {
    const std::string api = api_of(lambda, nth);
    RuntimeCalls extension(api);
    CHECK(extension.register_extension("inside", R"({"events":["INVOKE"]})").status == 200);
    RuntimeCalls runtime(api);
    runtime.send_next();
    const LambdaEvent failed = lambda.wait_for_event({.name = "initFailed", .nth = nth});
    CHECK(failed.text("phase") == (nth == 1 ? "init" : "invoke"));
    CHECK(failed.text("status") == "timeout");
  }
  CHECK(call.get().body().find("\"Sandbox.Timedout\"") != std::string::npos);
  CHECK(lambda.wait_for_log("EXTENSION\tName: inside", 2) ==
        "EXTENSION\tName: inside\tState: Registered\tEvents: [INVOKE]");
}
