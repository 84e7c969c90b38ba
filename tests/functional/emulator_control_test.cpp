// What a test may do to an environment of the emulator at any time: stop it, end it, break its
// connections, refuse its answers.
#include "tests/fakes/process_watch.h"
#include "tests/fakes/temp_dir.h"
#include "tests/functional/local_lambda.h"
#include "tests/functional/process_probe.h"
#include "tests/functional/runtime_calls.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <sys/stat.h>

#include <string>

using namespace postlude::testing;  // NOLINT(google-build-using-namespace)

namespace {

pid_t runtime_pid(LocalLambda& lambda) {
  return static_cast<pid_t>(
      lambda.wait_for_event({.name = "processStarted", .members = {{"process", "runtime"}}})
          .number("pid"));
}

void call_once(LocalLambda& lambda, RuntimeCalls& runtime, const std::string& answer) {
  auto call = lambda.invoke_later("{}");
  const RawResponse event = runtime.read();
  CHECK(runtime.respond(id_of(event), answer).status == 202);
  runtime.send_next();
  CHECK(call.get().body() == answer);
}

}  // namespace

TEST_CASE("an environment is frozen in the middle of an invocation and goes on where it was") {
  LocalLambda lambda({});
  auto call = lambda.invoke_later("{}");
  RuntimeCalls runtime(lambda.runtime_api());
  const RawResponse event = runtime.next();
  const pid_t pid = runtime_pid(lambda);
  const auto frozen = nlohmann::json::parse(lambda.control("freeze"));
  CHECK(frozen.at("processes") == 1);
  CHECK(frozen.at("complete") == true);
  CHECK(process_state(pid) == 'T');
  lambda.wait_for_event({.name = "held", .members = {{"environment", "1"}}});
  CHECK(nlohmann::json::parse(lambda.control("thaw")).at("processes") == 1);
  wait_for_state(pid, "SR");
  lambda.wait_for_event({.name = "released"});
  CHECK(runtime.respond(id_of(event), "1").status == 202);
  CHECK(call.get().body() == "1");
  runtime.send_next();
  CHECK(lambda.wait_for_event({.name = "invokeEnd"}).text("status") == "success");
}

TEST_CASE(
    "a frozen environment stays so while the platform delivers an event, until it is thawed") {
  LocalLambda lambda({.options = {"--eager-init"}});
  RuntimeCalls runtime(lambda.runtime_api());
  runtime.send_next();
  lambda.wait_for_event({.name = "frozen"});
  const pid_t pid = runtime_pid(lambda);
  lambda.control("freeze");
  auto call = lambda.invoke_later("5");
  const RawResponse event = runtime.read();  // the test is no process of the environment
  CHECK(event.body == "5");
  CHECK(process_state(pid) == 'T');
  CHECK(lambda.events({.name = "thawed"}).empty());
  lambda.control("thaw");
  wait_for_state(pid, "SR");
  CHECK(runtime.respond(id_of(event), "6").status == 202);
  CHECK(call.get().body() == "6");
}

TEST_CASE("thawing what the platform has frozen changes nothing") {
  LocalLambda lambda({.options = {"--eager-init"}});
  RuntimeCalls runtime(lambda.runtime_api());
  runtime.send_next();
  lambda.wait_for_event({.name = "frozen"});
  lambda.control("freeze");
  CHECK(nlohmann::json::parse(lambda.control("thaw")).at("processes") == 0);
  CHECK(process_state(runtime_pid(lambda)) == 'T');
  call_once(lambda, runtime, "\"after\"");
}

TEST_CASE("a freeze of a given length is over when its answer comes") {
  LocalLambda lambda({});
  auto call = lambda.invoke_later("{}");
  RuntimeCalls runtime(lambda.runtime_api());
  const std::string id = id_of(runtime.next());
  lambda.control("freeze?for=150ms");
  const LambdaEvent released = lambda.wait_for_event({.name = "released"});
  CHECK(released.ms() - lambda.wait_for_event({.name = "held"}).ms() >= 150);
  CHECK(released.number("processes") == 1);
  CHECK(runtime.respond(id, "1").status == 202);
  CHECK(call.get().body() == "1");
}

TEST_CASE("a process that is started in a frozen environment waits for the thaw") {
  const TempDir folder;
  write_script(folder.path() + "/layer/extensions/outside", "#!/bin/sh\nexec sleep 1000\n");
  LocalLambda lambda({.layer_dir = folder.path() + "/layer", .options = {"--eager-init"}});
  const std::string api = lambda.runtime_api();
  lambda.wait_for_event({.name = "processStarted", .members = {{"process", "outside"}}});
  lambda.control("freeze");
  RuntimeCalls extension(api);
  CHECK(extension.register_extension("outside", R"({"events":[]})").status == 200);
  const pid_t runtime = runtime_pid(lambda);
  wait_for_state(runtime, "T");
  CHECK(nlohmann::json::parse(lambda.control("thaw")).at("processes") == 2);
  wait_for_state(runtime, "SR");
}

TEST_CASE("a frozen runtime does not hear SIGTERM and is killed when its time is over") {
  const TempDir probe;
  const std::string file = probe.path() + "/signals";
  LocalLambda lambda({.runtime = "bash -c \"trap 'echo term >> " + file +
                                 "; exit' TERM; echo up >> " + file +
                                 "; while :; do sleep 0.05; done\""});
  auto call = lambda.invoke_later("{}");
  const std::string api = lambda.runtime_api();
  RuntimeCalls extension(api);
  const RawResponse registered = extension.register_extension("inside", R"({"events":["INVOKE"]})");
  extension.send_event_next(registered.header("Lambda-Extension-Identifier").value_or(""));
  CHECK(wait_for_line_in(file) == "up");
  RuntimeCalls runtime(api);
  CHECK(runtime.respond(id_of(runtime.next()), "1").status == 202);
  CHECK(call.get().body() == "1");
  lambda.control("freeze");
  lambda.control("shutdown");
  lambda.wait_for_event({.name = "shutdown", .members = {{"reason", "SPINDOWN"}}});
  CHECK(lambda.events({.name = "sigterm"}).size() == 1);
  const auto kill = lambda.events({.name = "sigkill"});
  REQUIRE(kill.size() == 1);
  CHECK(kill[0].ms() - lambda.events({.name = "shutdownBegin"}).at(0).ms() >= 490);
  CHECK(file_text(file) == "up\n");
}

TEST_CASE("an environment that was shut down by order is gone and a caller gets another one") {
  LocalLambda lambda({.options = {"--eager-init"}});
  RuntimeCalls runtime(lambda.runtime_api());
  runtime.send_next();
  lambda.wait_for_event({.name = "frozen"});
  lambda.control("shutdown");
  lambda.wait_for_event({.name = "shutdown", .members = {{"environment", "1"}}});
  auto call = lambda.invoke_later("{}");
  RuntimeCalls second(
      lambda.wait_for_event({.name = "initStart", .members = {{"environment", "2"}}}).text("api"));
  CHECK(second.respond(id_of(second.next()), "2").status == 202);
  CHECK(call.get().body() == "2");
  CHECK_THROWS(lambda.control("freeze"));
  CHECK_THROWS(lambda.control("melt", 2));
}

TEST_CASE("an environment that vanishes is gone at once and nobody in it is told") {
  const TempDir probe;
  const std::string file = probe.path() + "/signals";
  LocalLambda lambda({.runtime = "bash -c \"trap 'echo term >> " + file +
                                 "; exit' TERM; echo up >> " + file +
                                 "; while :; do sleep 0.05; done\""});
  auto call = lambda.invoke_later("{}");
  const std::string api = lambda.runtime_api();
  RuntimeCalls extension(api);
  const RawResponse registered = extension.register_extension("inside", R"({"events":["INVOKE"]})");
  extension.send_event_next(registered.header("Lambda-Extension-Identifier").value_or(""));
  CHECK(wait_for_line_in(file) == "up");
  RuntimeCalls runtime(api);
  CHECK(runtime.next().status == 200);
  const pid_t pid = runtime_pid(lambda);
  lambda.control("vanish");
  CHECK(call.get().body().find("\"Sandbox.Failure\"") != std::string::npos);
  lambda.wait_for_event({.name = "shutdown", .members = {{"reason", "VANISHED"}}});
  CHECK(process_state(pid) == '-');
  CHECK(lambda.events({.name = "sigterm"}).empty());
  CHECK(file_text(file) == "up\n");
}

TEST_CASE("an event whose connection broke under it goes to the next poll") {
  for (const std::string framing : {"length", "chunked"}) {
    CAPTURE(framing);
    LocalLambda lambda({.options = {"--eager-init", "--event-framing", framing}});
    const std::string api = lambda.runtime_api();
    RuntimeCalls runtime(api);
    runtime.send_next();
    lambda.wait_for_event({.name = "frozen"});
    lambda.control("cut-event?after=20");
    const std::string payload = "\"" + std::string(1000, 'e') + "\"";
    auto call = lambda.invoke_later(payload);
    const RawResponse broken = runtime.read();
    CHECK(broken.cut);
    CHECK(broken.body.size() <= 20);
    CHECK(broken.body == payload.substr(0, broken.body.size()));
    const LambdaEvent fault = lambda.wait_for_event({.name = "fault"});
    CHECK(fault.text("fault") == "cutEvent");
    CHECK(fault.number("afterBytes") == 20);
    lambda.wait_for_event({.name = "eventReturned"});
    RuntimeCalls again(api);
    const RawResponse whole = again.next();
    CHECK(whole.body == payload);
    CHECK(again.respond(id_of(whole), "1").status == 202);
    CHECK(call.get().body() == "1");
  }
}

TEST_CASE("an answer whose connection broke in its body is a truncated one") {
  LocalLambda lambda({.options = {"--eager-init"}});
  const std::string api = lambda.runtime_api();
  RuntimeCalls runtime(api);
  runtime.send_next();
  lambda.wait_for_event({.name = "frozen"});
  lambda.control("cut-answer?after=3");
  auto call = lambda.invoke_later("{}");
  const std::string id = id_of(runtime.read());
  runtime.client().send("POST /2018-06-01/runtime/invocation/" + id +
                        "/response HTTP/1.1\r\nContent-Length: 10\r\n\r\n12345");
  CHECK(runtime.client().read_to_end().empty());
  const InvokeResult result = call.get();
  CHECK(result.function_error() == "Unhandled");
  CHECK(result.body().find("\"errorType\":\"Runtime.TruncatedResponse\"") != std::string::npos);
  CHECK(lambda.wait_for_event({.name = "fault"}).text("fault") == "cutAnswer");
  CHECK(lambda.wait_for_event({.name = "responseEnd"}).text("how") == "cut");
  RuntimeCalls again(api);
  again.send_next();
  CHECK(lambda.wait_for_event({.name = "invokeEnd"}).text("status") == "success");
}

TEST_CASE("a stream whose connection broke is cut for its caller after the bytes it had") {
  LocalLambda lambda({.options = {"--eager-init", "--url-mode", "stream"}});
  const std::string api = lambda.runtime_api();
  RuntimeCalls runtime(api);
  runtime.send_next();
  lambda.wait_for_event({.name = "frozen"});
  lambda.control("cut-answer?after=7");
  auto call = lambda.url_later("GET", "/");
  const std::string id = id_of(runtime.read());
  runtime.client().send(streaming_head(id, "text/plain") + chunk("hello") + chunk("world"));
  const InvokeResult result = call.get();
  CHECK(result.http.cut);
  CHECK(result.body() == "hellowo");
}

TEST_CASE("an answer is refused as stale by order, and the right one is taken") {
  for (const bool with_ids : {false, true}) {
    CAPTURE(with_ids);
    LambdaSetup setup{.options = {"--eager-init"}};
    if (with_ids) {
      setup.options.emplace_back("--invocation-id");
    }
    LocalLambda lambda(setup);
    RuntimeCalls runtime(lambda.runtime_api());
    runtime.send_next();
    lambda.wait_for_event({.name = "frozen"});
    lambda.control("stale-answer");
    auto call = lambda.invoke_later("{}");
    const RawResponse event = runtime.read();
    Headers ids;
    if (const auto attempt = event.header("Lambda-Runtime-Invocation-Id")) {
      ids.emplace_back("Lambda-Runtime-Invocation-Id", *attempt);
    }
    const RawResponse stale = runtime.respond(id_of(event), "1", ids);
    CHECK(stale.status == (with_ids ? 410 : 400));
    CHECK(stale.body.find(with_ids ? "\"InvokeTimeout\"" : "\"InvalidRequestID\"") !=
          std::string::npos);
    CHECK(runtime.respond(id_of(event), "2", ids).status == 202);
    CHECK(call.get().body() == "2");
  }
}

TEST_CASE("an acknowledgement is held until the test lets it go, the caller has its answer") {
  LocalLambda lambda({.options = {"--eager-init"}});
  RuntimeCalls runtime(lambda.runtime_api());
  runtime.send_next();
  lambda.wait_for_event({.name = "frozen"});
  lambda.control("hold-acknowledgement");
  auto call = lambda.invoke_later("{}");
  const std::string id = id_of(runtime.read());
  runtime.client().request(
      "POST", "/2018-06-01/runtime/invocation/" + id + "/response", {}, "\"now\"");
  CHECK(call.get().body() == "\"now\"");
  lambda.wait_for_event({.name = "fault", .members = {{"fault", "holdAcknowledgement"}}});
  CHECK(runtime.client().silent_for(100));
  lambda.control("acknowledge");
  CHECK(runtime.read().status == 202);
}
