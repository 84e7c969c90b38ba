// Invocations nobody waits for in the emulator: type Event with its retries, and DryRun.
#include "tests/functional/local_lambda.h"
#include "tests/functional/runtime_calls.h"

#include <doctest/doctest.h>

#include <string>

using namespace postlude::testing;  // NOLINT(google-build-using-namespace)

namespace {

const InvokeOptions kEvent{.headers = {{"X-Amz-Invocation-Type", "Event"}}};

RawResponse read_event(RuntimeCalls& runtime, const std::string& id) {
  RawResponse event = runtime.read();
  CHECK(id_of(event) == id);
  return event;
}

}  // namespace

TEST_CASE("an Event is taken at once and runs later") {
  LocalLambda lambda({});
  const InvokeResult queued = lambda.invoke(R"({"x":1})", kEvent);
  CHECK(queued.status() == 202);
  CHECK(queued.body().empty());
  CHECK(queued.function_error().empty());
  const std::string id = queued.request_id();
  lambda.wait_for_event({.name = "eventQueued", .request_id = id});
  RuntimeCalls runtime(lambda.runtime_api());
  runtime.send_next();
  CHECK(read_event(runtime, id).body == R"({"x":1})");
  CHECK(runtime.respond(id, "1").status == 202);
  runtime.send_next();
  const LambdaEvent done = lambda.wait_for_event({.name = "eventDone", .request_id = id});
  CHECK(done.text("status") == "success");
  CHECK(done.number("attempts") == 1);
}

TEST_CASE("an Event that fails is tried three times in all, with the same request id") {
  LocalLambda lambda({.options = {"--retry-delay", "100ms", "--invocation-id"}});
  const std::string id = lambda.invoke("{}", kEvent).request_id();
  RuntimeCalls runtime(lambda.runtime_api());
  runtime.send_next();
  std::string last_attempt;
  for (int attempt = 1; attempt <= 3; ++attempt) {
    CAPTURE(attempt);
    const RawResponse event = read_event(runtime, id);
    const std::string attempt_id = event.header("Lambda-Runtime-Invocation-Id").value_or("");
    CHECK(attempt_id != last_attempt);
    last_attempt = attempt_id;
    CHECK(
        runtime.fail(id, "{}", {{"Lambda-Runtime-Function-Error-Type", "Function.Mine"}}).status ==
        202);
    runtime.send_next();
  }
  const LambdaEvent done = lambda.wait_for_event({.name = "eventDone", .request_id = id});
  CHECK(done.text("status") == "failed");
  CHECK(done.number("attempts") == 3);
  CHECK(done.text("errorType") == "Function.Mine");
  const auto attempts = lambda.events({.name = "eventAttempt", .request_id = id});
  const auto ends = lambda.events({.name = "invokeEnd", .request_id = id});
  REQUIRE(attempts.size() == 3);
  REQUIRE(ends.size() == 3);
  CHECK(attempts[1].ms() - ends[0].ms() >= 99);
  CHECK(attempts[2].ms() - ends[1].ms() >= 199);
}

TEST_CASE("an Event that succeeds at its second attempt is done") {
  LocalLambda lambda({.options = {"--retry-delay", "0ms"}});
  const std::string id = lambda.invoke("{}", kEvent).request_id();
  RuntimeCalls runtime(lambda.runtime_api());
  runtime.send_next();
  read_event(runtime, id);
  CHECK(runtime.fail(id, "{}").status == 202);
  runtime.send_next();
  read_event(runtime, id);
  CHECK(runtime.respond(id, "1").status == 202);
  runtime.send_next();
  const LambdaEvent done = lambda.wait_for_event({.name = "eventDone"});
  CHECK(done.text("status") == "success");
  CHECK(done.number("attempts") == 2);
}

TEST_CASE("an Event whose execution fails after the answer is tried again") {
  LocalLambda lambda({.options = {"--retry-delay", "0ms", "--timeout", "300ms"}});
  const std::string id = lambda.invoke("{}", kEvent).request_id();
  RuntimeCalls runtime(lambda.runtime_api());
  CHECK(runtime.respond(id_of(runtime.next()), "1").status == 202);
  lambda.wait_for_event({.name = "reset"});
  RuntimeCalls second(lambda.wait_for_event({.name = "initStart", .nth = 2}).text("api"));
  CHECK(id_of(second.next()) == id);
  CHECK(second.respond(id, "2").status == 202);
  second.send_next();
  CHECK(lambda.wait_for_event({.name = "eventDone"}).number("attempts") == 2);
}

TEST_CASE("an Event waits for room, and that is no attempt") {
  LocalLambda lambda({.options = {"--max-environments", "1"}});
  auto busy = lambda.invoke_later("1");
  RuntimeCalls runtime(lambda.runtime_api());
  const RawResponse first = runtime.next();
  const std::string id = lambda.invoke("2", kEvent).request_id();
  lambda.wait_for_event({.name = "throttled", .request_id = id});
  CHECK(runtime.respond(id_of(first), "1").status == 202);
  runtime.send_next();
  CHECK(busy.get().body() == "1");
  CHECK(read_event(runtime, id).body == "2");
  CHECK(runtime.respond(id, "2").status == 202);
  runtime.send_next();
  CHECK(lambda.wait_for_event({.name = "eventDone"}).number("attempts") == 1);
}

TEST_CASE("an Event that waits for its retry does not keep the emulator") {
  LocalLambda lambda({});
  const std::string id = lambda.invoke("{}", kEvent).request_id();
  RuntimeCalls runtime(lambda.runtime_api());
  runtime.send_next();
  read_event(runtime, id);
  CHECK(runtime.fail(id, "{}").status == 202);
  runtime.send_next();
  lambda.wait_for_event({.name = "frozen"});
  CHECK(lambda.stop() == 0);
  CHECK(lambda.events({.name = "eventAttempt"}).size() == 1);
}

TEST_CASE("a DryRun is checked and runs nothing") {
  LocalLambda lambda({});
  const InvokeOptions dry_run{.headers = {{"X-Amz-Invocation-Type", "DryRun"}}};
  const InvokeResult tried = lambda.invoke("{}", dry_run);
  CHECK(tried.status() == 204);
  CHECK(tried.body().empty());
  CHECK(lambda.invoke("{no json", dry_run).status() == 400);
  CHECK(lambda.events({.name = "callerArrived"}).empty());
  CHECK(lambda.events({.name = "environmentStart"}).empty());
}
