// Everything the emulator refuses, in the platform's words (lambda-protocol.md 1.7 and 3.2).
#include "tests/fakes/temp_dir.h"
#include "tests/functional/local_lambda.h"
#include "tests/functional/process_probe.h"
#include "tests/functional/runtime_calls.h"

#include <doctest/doctest.h>

#include <string>

using namespace postlude::testing;  // NOLINT(google-build-using-namespace)

namespace {

std::string body_of(const std::string& type, const std::string& message) {
  return R"({"errorMessage":")" + message + R"(","errorType":")" + type + "\"}\n";
}

std::string transition(const std::string& from, const std::string& to, const std::string& who) {
  return "State transition from " + from + " to " + to + " failed for " + who +
         ". Error: State transition is not allowed";
}

const std::string kUnknownId = "11111111-2222-4333-8444-555555555555";

/// A refused answer: status, type and message as one comparison.
void check_refused(const RawResponse& answer,
                   int status,
                   const std::string& type,
                   const std::string& message) {
  CHECK(answer.status == status);
  CHECK(answer.header("Content-Type") == "application/json");
  CHECK(answer.body == body_of(type, message));
}

}  // namespace

TEST_CASE("answers that do not fit the runtime's state are refused") {
  LocalLambda lambda({});
  auto call = lambda.invoke_later("{}");
  RuntimeCalls runtime(lambda.runtime_api());
  check_refused(runtime.respond(kUnknownId, "1"),
                403,
                "InvalidStateTransition",
                transition("Started", "InvocationResponse", "runtime"));
  const std::string id = id_of(runtime.next());
  check_refused(runtime.respond(kUnknownId, "1"), 400, "InvalidRequestID", "Invalid request ID");
  check_refused(runtime.fail(kUnknownId, "{}"), 400, "InvalidRequestID", "Invalid request ID");
  check_refused(runtime.post("/2018-06-01/runtime/init/error", "{}"),
                403,
                "InvalidStateTransition",
                transition("Running", "InitError", "runtime"));
  CHECK(runtime.respond(id, "\"right\"").status == 202);
  CHECK(call.get().body() == "\"right\"");
  check_refused(runtime.respond(id, "2"),
                403,
                "InvalidStateTransition",
                transition("RuntimeResponseSentState", "InvocationResponse", "runtime"));
  check_refused(runtime.fail(id, "{}"),
                403,
                "InvalidStateTransition",
                transition("RuntimeResponseSentState", "InvocationErrorResponse", "runtime"));
  runtime.send_next();
  lambda.wait_for_event({.name = "invokeEnd", .request_id = id});
}

TEST_CASE("polling while an invocation runs gives the same event again at once") {
  LocalLambda lambda({});
  auto call = lambda.invoke_later(R"({"again":true})");
  const std::string api = lambda.runtime_api();
  RuntimeCalls first(api);
  RuntimeCalls second(api);
  const RawResponse event = first.next();
  const RawResponse again = second.next();
  CHECK(id_of(again) == id_of(event));
  CHECK(again.body == event.body);
  CHECK(second.respond(id_of(event), "1").status == 202);
  CHECK(call.get().body() == "1");
}

TEST_CASE("while a result is being uploaded another poll or answer is refused") {
  LocalLambda lambda({});
  auto call = lambda.invoke_later("{}");
  const std::string api = lambda.runtime_api();
  RuntimeCalls runtime(api);
  RuntimeCalls other(api);
  const std::string id = id_of(runtime.next());
  runtime.client().send("POST /2018-06-01/runtime/invocation/" + id +
                        "/response HTTP/1.1\r\nContent-Length: 4\r\n\r\n12");
  lambda.wait_for_event({.name = "responseStart"});
  check_refused(other.next(),
                403,
                "InvalidStateTransition",
                transition("InvocationResponse", "Ready", "runtime"));
  check_refused(other.respond(id, "1"),
                403,
                "InvalidStateTransition",
                transition("InvocationResponse", "InvocationResponse", "runtime"));
  runtime.client().send("34");
  CHECK(runtime.read().status == 202);
  CHECK(call.get().body() == "1234");
}

TEST_CASE("an unknown response mode is refused and fails the invocation") {
  LocalLambda lambda({});
  auto call = lambda.invoke_later("{}");
  RuntimeCalls runtime(lambda.runtime_api());
  const std::string id = id_of(runtime.next());
  check_refused(runtime.respond(id, "1", {{"Lambda-Runtime-Function-Response-Mode", "Streaming"}}),
                400,
                "InvalidFunctionResponseMode",
                "Invalid function response mode");
  const InvokeResult result = call.get();
  CHECK(result.function_error() == "Unhandled");
  CHECK(result.body().find(R"("errorType":"Runtime.InvalidResponseModeHeader")") !=
        std::string::npos);
  runtime.send_next();
  lambda.wait_for_event({.name = "invokeEnd", .request_id = id});
}

TEST_CASE("a result over six megabytes is refused before it was read, and the runtime goes on") {
  LocalLambda lambda({});
  auto call = lambda.invoke_later("{}");
  const std::string api = lambda.runtime_api();
  RuntimeCalls runtime(api);
  const std::string id = id_of(runtime.next());
  SUBCASE("announced by its length") {
    runtime.client().send("POST /2018-06-01/runtime/invocation/" + id +
                          "/response HTTP/1.1\r\nContent-Length: 6291557\r\n\r\n");
  }
  SUBCASE("announced by its length, by a client that would wait") {
    runtime.client().send("POST /2018-06-01/runtime/invocation/" + id +
                          "/response HTTP/1.1\r\nExpect: 100-continue\r\n"
                          "Content-Length: 6291557\r\n\r\n");
  }
  SUBCASE("found out while it comes in chunks") {
    runtime.client().send("POST /2018-06-01/runtime/invocation/" + id +
                          "/response HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
    runtime.client().send(chunk(std::string(6'291'557, 'x')));
  }
  const RawResponse refused = runtime.read();
  check_refused(refused,
                413,
                "RequestEntityTooLarge",
                "Exceeded maximum allowed payload size (6291556 bytes).");
  CHECK(refused.header("Connection") == "close");
  const InvokeResult result = call.get();
  CHECK(result.status() == 200);
  CHECK(result.function_error() == "Unhandled");
  CHECK(result.body() ==
        R"({"errorMessage":"Response payload size exceeded maximum allowed payload size )"
        R"((6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"})");
  RuntimeCalls again(api);
  again.send_next();
  CHECK(lambda.wait_for_event({.name = "invokeEnd", .request_id = id}).text("status") == "success");
}

TEST_CASE("a client that expects 100-continue gets it and then the acknowledgement") {
  LocalLambda lambda({});
  auto call = lambda.invoke_later("{}");
  RuntimeCalls runtime(lambda.runtime_api());
  const std::string id = id_of(runtime.next());
  runtime.client().send("POST /2018-06-01/runtime/invocation/" + id +
                        "/response HTTP/1.1\r\nExpect: 100-continue\r\n"
                        "Content-Length: 2\r\n\r\n");
  CHECK(runtime.read().status == 100);
  runtime.client().send("42");
  CHECK(runtime.read().status == 202);
  CHECK(call.get().body() == "42");
}

TEST_CASE("an answer for an older attempt is gone when invocation ids are on") {
  LocalLambda lambda({.options = {"--invocation-id"}});
  auto call = lambda.invoke_later("{}");
  RuntimeCalls runtime(lambda.runtime_api());
  const RawResponse event = runtime.next();
  const std::string attempt = event.header("Lambda-Runtime-Invocation-Id").value_or("");
  CHECK_FALSE(attempt.empty());
  check_refused(runtime.respond(id_of(event), "1", {{"Lambda-Runtime-Invocation-Id", kUnknownId}}),
                410,
                "InvokeTimeout",
                "Invoke timeout");
  CHECK(runtime.respond(id_of(event), "2", {{"Lambda-Runtime-Invocation-Id", attempt}}).status ==
        202);
  CHECK(call.get().body() == "2");
}

TEST_CASE("registrations that break a rule are refused") {
  LocalLambda lambda({});
  auto call = lambda.invoke_later("{}");
  RuntimeCalls extension(lambda.runtime_api());
  check_refused(extension.register_extension("", R"({"events":[]})"),
                403,
                "Extension.InvalidExtensionName",
                "Empty extension name");
  check_refused(extension.register_extension("a", "no json"),
                403,
                "InvalidRequestFormat",
                "Invalid request format");
  check_refused(
      extension.register_extension("a", R"({"events":["INVOKE"],"configurationKeys":[]})"),
      403,
      "InvalidRequestFormat",
      "Invalid request format");
  check_refused(extension.register_extension("a", R"({"events":["INVOKE","SHUTDOWN"]})"),
                403,
                "Extension.InvalidEventType",
                "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension");
  check_refused(extension.register_extension("a", R"({"events":["THAW"]})"),
                403,
                "Extension.InvalidEventType",
                "THAW: ErrorInvalidEventType");
  CHECK(extension.register_extension("a", R"({"events":[]})").status == 200);
  check_refused(extension.register_extension("a", R"({"events":[]})"),
                403,
                "Extension.InvalidExtensionState",
                "Extension with this name already registered");
  for (int i = 1; i < 10; ++i) {
    CHECK(extension.register_extension("e" + std::to_string(i), "{}").status == 200);
  }
  check_refused(extension.register_extension("eleventh", "{}"),
                403,
                "Extension.TooManyExtensions",
                "Extension limit (10) reached");
}

TEST_CASE("registration closes at the runtime's first poll") {
  LocalLambda lambda({});
  auto call = lambda.invoke_later("{}");
  const std::string api = lambda.runtime_api();
  RuntimeCalls runtime(api);
  const std::string id = id_of(runtime.next());
  RuntimeCalls late(api);
  check_refused(late.register_extension("late", R"({"events":["INVOKE"]})"),
                403,
                "Extension.RegistrationClosed",
                "Extension registration closed already");
  CHECK(runtime.respond(id, "1").status == 202);
  CHECK(call.get().body() == "1");
}

TEST_CASE("polls of extensions are refused by header and by state") {
  LocalLambda lambda({});
  auto call = lambda.invoke_later("{}");
  const std::string api = lambda.runtime_api();
  RuntimeCalls extension(api);
  RuntimeCalls other(api);
  const std::string id = extension.register_extension("a", R"({"events":["INVOKE"]})")
                             .header("Lambda-Extension-Identifier")
                             .value_or("");
  const auto type_of = [](const RawResponse& answer) {
    CHECK(answer.status == 403);
    return answer.body.substr(answer.body.find("\"errorType\""));
  };
  CHECK(type_of(other.event_next("")) ==
        "\"errorType\":\"Extension.MissingExtensionIdentifier\"}\n");
  CHECK(type_of(other.event_next("nonsense")) ==
        "\"errorType\":\"Extension.InvalidExtensionIdentifier\"}\n");
  CHECK(type_of(other.event_next(kUnknownId)) ==
        "\"errorType\":\"Extension.UnknownExtensionIdentifier\"}\n");
  extension.send_event_next(id);
  lambda.wait_for_event({.name = "extensionNext"});
  check_refused(other.event_next(id),
                403,
                "Extension.InvalidExtensionState",
                transition("Ready", "Ready", "extension a"));
  CHECK(type_of(other.post(
            "/2020-01-01/extension/exit/error", "{}", {{"Lambda-Extension-Identifier", id}})) ==
        "\"errorType\":\"Extension.MissingHeader\"}\n");
}

TEST_CASE("an external extension cannot register twice") {
  const TempDir folder;
  const std::string layer = folder.path() + "/layer";
  write_script(layer + "/extensions/outside", "#!/bin/sh\nexec sleep 1000\n");
  LocalLambda lambda({.layer_dir = layer});
  auto call = lambda.invoke_later("{}");
  RuntimeCalls extension(lambda.runtime_api());
  lambda.wait_for_event({.name = "processStarted", .members = {{"process", "outside"}}});
  CHECK(extension.register_extension("outside", R"({"events":["INVOKE","SHUTDOWN"]})").status ==
        200);
  check_refused(extension.register_extension("outside", R"({"events":["INVOKE"]})"),
                403,
                "Extension.InvalidExtensionState",
                transition("Registered", "Registered", "extension outside"));
}

TEST_CASE("routes that do not exist are not found and the superseded logs route is a stub") {
  LocalLambda lambda({});
  auto call = lambda.invoke_later("{}");
  RuntimeCalls runtime(lambda.runtime_api());
  CHECK(runtime.post("/2018-06-01/runtime/nothing", "x").status == 404);
  runtime.client().request("GET", "/2018-06-01/runtime/restore/next");
  CHECK(runtime.read().status == 404);
  runtime.client().request("GET", "/2018-06-01/ping");
  CHECK(runtime.read().body == "pong");
  runtime.client().request("PUT", "/2020-08-15/logs", {}, "{}");
  const RawResponse logs = runtime.read();
  CHECK(logs.status == 202);
  CHECK(logs.body == body_of("Logs.NotSupported", "Logs API is not supported"));
}
