// Init, timeout, crash, reset and shutdown in the emulator (lambda-protocol.md 4).
#include "tests/fakes/process_watch.h"
#include "tests/fakes/temp_dir.h"
#include "tests/functional/local_lambda.h"
#include "tests/functional/process_probe.h"
#include "tests/functional/runtime_calls.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

using namespace postlude::testing;  // NOLINT(google-build-using-namespace)

namespace {

/// Late answers need a reset that lasts: this process ends by SIGKILL only.
constexpr const char* kOutlivesTerm = "bash -c 'trap : TERM; while :; do sleep 1; done'";

pid_t runtime_pid(LocalLambda& lambda, std::size_t nth = 1) {
  return static_cast<pid_t>(
      lambda
          .wait_for_event(
              {.name = "processStarted", .members = {{"process", "runtime"}}, .nth = nth})
          .number("pid"));
}

/// Registers and leaves the connection parked.
std::string park_extension(RuntimeCalls& calls, const std::string& name, const std::string& body) {
  std::string id =
      calls.register_extension(name, body).header("Lambda-Extension-Identifier").value_or("");
  calls.send_event_next(id);
  return id;
}

/// A folder with a layer in which one external extension sleeps; tests speak for it.
std::string layer_with_extension(const std::string& folder, const std::string& script) {
  write_script(folder + "/layer/extensions/outside", script);
  return folder + "/layer";
}

}  // namespace

TEST_CASE("a timeout answers the caller, resets the environment and refuses late answers") {
  LocalLambda lambda(
      {.runtime = kOutlivesTerm, .options = {"--timeout", "300ms", "--shutdown-share", "2s"}});
  auto call = lambda.invoke_later("{}", {.headers = {{"X-Amz-Log-Type", "Tail"}}});
  const std::string api = lambda.runtime_api();
  RuntimeCalls extension(api);
  park_extension(extension, "inside", R"({"events":["INVOKE"]})");
  RuntimeCalls runtime(api);
  const std::string id = id_of(runtime.next());
  lambda.wait_for_event({.name = "shutdownBegin", .members = {{"reason", "TIMEOUT"}}});
  RuntimeCalls late(api);
  const RawResponse refused = late.respond(id, "1");
  CHECK(refused.status == 400);
  CHECK(refused.body.find("\"errorType\":\"InvalidRequestID\"") != std::string::npos);
  const InvokeResult result = call.get();
  CHECK(result.status() == 200);
  CHECK(result.function_error() == "Unhandled");
  CHECK(result.body() == R"({"errorType":"Sandbox.Timedout","errorMessage":"RequestId: )" + id +
                             R"( Error: Task timed out after 0.30 seconds"})");
  CHECK(result.log_tail().find(id + " Task timed out after 0.30 seconds\nEND RequestId: ") !=
        std::string::npos);
  CHECK(result.log_tail().find("\tStatus: timeout") != std::string::npos);
  const pid_t first = runtime_pid(lambda);
  lambda.wait_for_event({.name = "reset"});
  CHECK(process_state(first) == '-');
  CHECK(lambda.events({.name = "sigterm"}).size() == 1);
  auto next_call = lambda.invoke_later("{}");
  CHECK(runtime_pid(lambda, 2) != first);
  RuntimeCalls second(lambda.wait_for_event({.name = "initStart", .nth = 2}).text("api"));
  const RawResponse event = second.next();
  CHECK(second.respond(id_of(event), "2").status == 202);
  CHECK(next_call.get().body() == "2");
}

TEST_CASE("with invocation ids a late answer is gone") {
  LocalLambda lambda(
      {.runtime = kOutlivesTerm,
       .options = {"--timeout", "200ms", "--invocation-id", "--shutdown-share", "2s"}});
  auto call = lambda.invoke_later("{}");
  const std::string api = lambda.runtime_api();
  RuntimeCalls extension(api);
  park_extension(extension, "inside", R"({"events":["INVOKE"]})");
  RuntimeCalls runtime(api);
  const RawResponse event = runtime.next();
  lambda.wait_for_event({.name = "shutdownBegin"});
  RuntimeCalls late(api);
  const RawResponse refused =
      late.respond(id_of(event),
                   "1",
                   {{"Lambda-Runtime-Invocation-Id",
                     event.header("Lambda-Runtime-Invocation-Id").value_or("")}});
  CHECK(refused.status == 410);
  CHECK(refused.body == "{\"errorMessage\":\"Invoke timeout\",\"errorType\":\"InvokeTimeout\"}\n");
  CHECK(call.get().function_error() == "Unhandled");
}

TEST_CASE("a timeout after the answer leaves the caller's success alone") {
  LocalLambda lambda({.options = {"--timeout", "300ms"}});
  auto call = lambda.invoke_later("{}");
  RuntimeCalls runtime(lambda.runtime_api());
  CHECK(runtime.respond(id_of(runtime.next()), "\"fine\"").status == 202);
  const InvokeResult result = call.get();
  CHECK(result.body() == "\"fine\"");
  CHECK(result.function_error().empty());
  const LambdaEvent end = lambda.wait_for_event({.name = "invokeEnd"});
  CHECK(end.text("status") == "timeout");
  CHECK(end.text("answered") == "true");
  lambda.wait_for_event({.name = "reset", .members = {{"reason", "TIMEOUT"}}});
}

TEST_CASE("the death of the runtime is told to the caller in the platform's words") {
  struct Death {
    std::string command;
    std::string words;
  };
  const std::string api =
      "exec 3<>/dev/tcp/${AWS_LAMBDA_RUNTIME_API/://}; "
      "printf 'GET /2018-06-01/runtime/invocation/next HTTP/1.1\\r\\n\\r\\n' "
      ">&3; read line <&3; ";
  const std::vector<Death> deaths{
      {api + "exit 127", "Runtime exited with error: exit status 127"},
      {api + "exit 0", "Runtime exited without providing a reason"},
      {api + "kill -9 $$", "Runtime exited with error: signal: killed"}};
  for (const Death& death : deaths) {
    CAPTURE(death.words);
    LocalLambda lambda({.runtime = "bash -c \"" + death.command + "\""});
    const InvokeResult result = lambda.invoke("{}");
    CHECK(result.status() == 200);
    CHECK(result.function_error() == "Unhandled");
    CHECK(result.body() == R"({"errorType":"Runtime.ExitError","errorMessage":"RequestId: )" +
                               result.request_id() + " Error: " + death.words + "\"}");
    CHECK(lambda.wait_for_log("REPORT").find("\tStatus: error\tError Type: Runtime.ExitError") !=
          std::string::npos);
  }
}

TEST_CASE("a failed init is repeated inside the invocation") {
  LocalLambda lambda({.runtime = "false"});
  const InvokeResult result = lambda.invoke("{}");
  CHECK(result.body() == R"({"errorType":"Runtime.ExitError","errorMessage":"RequestId: )" +
                             result.request_id() +
                             R"( Error: Runtime exited with error: exit status 1"})");
  CHECK(lambda.wait_for_log("Phase: init").find("\tStatus: error\tError Type: Runtime.ExitError") !=
        std::string::npos);
  lambda.wait_for_log("Phase: invoke");
  CHECK(lambda.events({.name = "initStart"}).size() == 2);
}

TEST_CASE("an init that takes too long is reported and repeated under the function's timeout") {
  LocalLambda lambda({.options = {"--init-timeout", "200ms", "--timeout", "400ms"}});
  const InvokeResult result = lambda.invoke("{}");
  CHECK(result.body() == R"({"errorType":"Sandbox.Timedout","errorMessage":"RequestId: )" +
                             result.request_id() +
                             R"( Error: Task timed out after 0.40 seconds"})");
  CHECK(lambda.wait_for_log("INIT_REPORT").find("\tPhase: init\tStatus: timeout") !=
        std::string::npos);
  CHECK(lambda.wait_for_log("INIT_REPORT", 2).find("\tPhase: invoke\tStatus: timeout") !=
        std::string::npos);
}

TEST_CASE("what the runtime posts as its init error reaches the caller of the second attempt") {
  LocalLambda lambda({});
  auto call = lambda.invoke_later("{}");
  const std::string body = R"({"errorMessage":"no","errorType":"Mine","requestId":""})";
  for (std::size_t attempt = 1; attempt <= 2; ++attempt) {
    RuntimeCalls runtime(lambda.wait_for_event({.name = "initStart", .nth = attempt}).text("api"));
    CHECK(runtime
              .post("/2018-06-01/runtime/init/error",
                    body,
                    {{"Lambda-Runtime-Function-Error-Type", "Runtime.Mine"}})
              .status == 202);
    lambda.wait_for_event({.name = "initFailed", .nth = attempt});
  }
  const InvokeResult result = call.get();
  CHECK(result.function_error() == "Unhandled");
  CHECK(result.body() == body);
  CHECK(lambda.wait_for_log("INIT_REPORT").find("Error Type: Runtime.Mine") != std::string::npos);
}

TEST_CASE("an external extension that exits is a crash, even with status 0") {
  const TempDir folder;
  const std::string layer =
      layer_with_extension(folder.path(), "#!/bin/sh\nread line < \"$FIFO\"\nexit 0\n");
  const std::string fifo = folder.path() + "/fifo";
  REQUIRE(::mkfifo(fifo.c_str(), S_IRUSR | S_IWUSR) == 0);
  LocalLambda lambda({.layer_dir = layer, .env = {{"FIFO", fifo}}});
  auto call = lambda.invoke_later("{}");
  const std::string api = lambda.runtime_api();
  RuntimeCalls extension(api);
  lambda.wait_for_event({.name = "processStarted", .members = {{"process", "outside"}}});
  CHECK(lambda.events({.name = "processStarted", .members = {{"process", "runtime"}}}).empty());
  park_extension(extension, "outside", R"({"events":["INVOKE"]})");
  runtime_pid(lambda);
  RuntimeCalls runtime(api);
  const std::string id = id_of(runtime.next());
  std::ofstream(fifo) << "go\n";
  const InvokeResult result = call.get();
  CHECK(result.body() == R"({"errorType":"Extension.Crash","errorMessage":"RequestId: )" + id +
                             R"( Error: exit code 0"})");
  lambda.wait_for_event({.name = "reset", .members = {{"reason", "FAILURE"}}});
}

TEST_CASE("with nothing registered an idle environment is killed without a SIGTERM") {
  LocalLambda lambda({.options = {"--idle-shutdown", "100ms"}});
  auto call = lambda.invoke_later("{}");
  RuntimeCalls runtime(lambda.runtime_api());
  CHECK(runtime.respond(id_of(runtime.next()), "1").status == 202);
  runtime.send_next();
  CHECK(call.get().body() == "1");
  lambda.wait_for_event({.name = "shutdown", .members = {{"reason", "SPINDOWN"}}});
  CHECK(lambda.events({.name = "sigterm"}).empty());
  CHECK(lambda.events({.name = "sigkill"}).size() == 1);
  CHECK(process_state(runtime_pid(lambda)) == '-');
}

TEST_CASE("an internal extension earns the runtime a SIGTERM and 500 ms") {
  for (const std::string target : {"group", "process"}) {
    CAPTURE(target);
    const TempDir probe;
    const std::string file = probe.path() + "/signals";
    // The child notes the signal; the leader does nothing about it, so that the budget runs out.
    std::string script = "trap : TERM; bash -c 'trap \\\"echo child >> ";
    script.append(file).append("\\\" TERM; echo up >> ").append(file);
    script.append("; while :; do sleep 0.05; done' & while :; do sleep 1; done");
    LocalLambda lambda({.runtime = "bash -c \"" + script + "\"",
                        .options = {"--signal", target, "--reset-survivors", "keep"}});
    auto call = lambda.invoke_later("{}");
    const std::string api = lambda.runtime_api();
    RuntimeCalls extension(api);
    park_extension(extension, "inside", R"({"events":["INVOKE"]})");
    CHECK(wait_for_line_in(file) == "up");
    RuntimeCalls runtime(api);
    CHECK(runtime.respond(id_of(runtime.next()), "1").status == 202);
    CHECK(call.get().body() == "1");
    CHECK(lambda.stop() == 0);
    const auto begin = lambda.events({.name = "shutdownBegin"});
    REQUIRE(begin.size() == 1);
    CHECK(begin[0].number("budgetMs") == 500);
    const auto term = lambda.events({.name = "sigterm"});
    const auto kill = lambda.events({.name = "sigkill"});
    REQUIRE(term.size() == 1);
    REQUIRE(kill.size() == 1);
    CHECK(kill[0].ms() - term[0].ms() >= 490);
    std::ifstream noted(file);
    const std::string text((std::istreambuf_iterator<char>(noted)),
                           std::istreambuf_iterator<char>());
    CHECK(text == (target == "group" ? "up\nchild\n" : "up\n"));
  }
}

TEST_CASE("an external extension gets SHUTDOWN after the runtime and two seconds in all") {
  const TempDir folder;
  const std::string layer = layer_with_extension(folder.path(), "#!/bin/sh\nexec sleep 1000\n");
  LocalLambda lambda({.layer_dir = layer});
  auto call = lambda.invoke_later("{}");
  const std::string api = lambda.runtime_api();
  lambda.wait_for_event({.name = "processStarted", .members = {{"process", "outside"}}});
  RuntimeCalls extension(api);
  park_extension(extension, "outside", R"({"events":["SHUTDOWN"]})");
  runtime_pid(lambda);
  RuntimeCalls runtime(api);
  CHECK(runtime.respond(id_of(runtime.next()), "1").status == 202);
  runtime.send_next();
  CHECK(call.get().body() == "1");
  lambda.wait_for_event({.name = "frozen"});
  const auto stopped = std::async(std::launch::async, [&] { return lambda.stop(); });
  const auto told = nlohmann::json::parse(extension.read().body);
  CHECK(told.at("eventType") == "SHUTDOWN");
  CHECK(told.at("shutdownReason") == "SPINDOWN");
  stopped.wait();
  const LambdaEvent begin = lambda.events({.name = "shutdownBegin"}).at(0);
  CHECK(begin.number("budgetMs") == 2000);
  CHECK(told.at("deadlineMs").get<double>() - begin.ms() == doctest::Approx(2000).epsilon(0.05));
  const auto runtime_end =
      lambda.events({.name = "processExited", .members = {{"process", "runtime"}}});
  REQUIRE(runtime_end.size() == 1);
  CHECK(runtime_end[0].ms() <= lambda.events({.name = "shutdownSent"}).at(0).ms());
  const auto killed = lambda.events({.name = "sigkill", .members = {{"process", "outside"}}});
  REQUIRE(killed.size() == 1);
  CHECK(killed[0].ms() - begin.ms() >= 1950);
}

TEST_CASE("an environment initialised ahead is frozen before anybody calls") {
  LocalLambda lambda({.options = {"--eager-init"}});
  RuntimeCalls runtime(lambda.runtime_api());
  runtime.send_next();
  const LambdaEvent frozen = lambda.wait_for_event({.name = "frozen"});
  CHECK(frozen.number("processes") == 1);
  CHECK(process_state(runtime_pid(lambda)) == 'T');
  auto call = lambda.invoke_later("5");
  const RawResponse event = runtime.read();
  CHECK(event.body == "5");
  CHECK(runtime.respond(id_of(event), "6").status == 202);
  CHECK(call.get().body() == "6");
}

TEST_CASE("a private /tmp survives a reset and ends with its environment") {
  const TempDir outside;
  const std::string root = outside.path() + "/tmps";
  const std::string script =
      "echo once >> /tmp/note; exec 3<>/dev/tcp/${AWS_LAMBDA_RUNTIME_API/://}; printf "
      "'GET /2018-06-01/runtime/invocation/next HTTP/1.1\\r\\n\\r\\n' >&3; read line <&3; exit 1";
  {
    LocalLambda lambda({.runtime = "bash -c \"" + script + "\"",
                        .options = {"--private-tmp", "--tmp-root", root}});
    CHECK(lambda.invoke("{}").function_error() == "Unhandled");
    lambda.wait_for_event({.name = "reset"});
    CHECK(lambda.invoke("{}").function_error() == "Unhandled");
    std::ifstream note(root + "/1/note");
    const std::string text((std::istreambuf_iterator<char>(note)),
                           std::istreambuf_iterator<char>());
    CHECK(text == "once\nonce\n");
    CHECK_FALSE(std::filesystem::exists("/tmp/note"));
  }
  CHECK_FALSE(std::filesystem::exists(root + "/1"));
}

TEST_CASE("no process is left when the emulator itself is killed") {
  LocalLambda lambda({.runtime = "sh -c 'setsid sleep 1000 & wait'"});
  auto call = lambda.invoke_later("{}");
  RuntimeCalls runtime(lambda.runtime_api());
  runtime.send_next();
  CHECK(runtime.read().status == 200);
  const pid_t leader = runtime_pid(lambda);
  ::kill(lambda.pid(), SIGKILL);
  CHECK(wait_until_dead(leader));
}

TEST_CASE("a poller that hung up loses no invocation") {
  LocalLambda lambda({.options = {"--eager-init"}});
  const std::string api = lambda.runtime_api();
  auto dead = std::make_unique<RuntimeCalls>(api);
  dead->send_next();
  lambda.wait_for_event({.name = "frozen"});
  SUBCASE("with an end") {
    dead.reset();
  }
  SUBCASE("with a reset") {
    dead->client().reset();
  }
  lambda.wait_for_event({.name = "pollerGone"});
  auto call = lambda.invoke_later("{}");
  lambda.wait_for_event({.name = "invokeStart"});
  RuntimeCalls alive(api);
  const RawResponse event = alive.next();
  CHECK(event.status == 200);
  CHECK(alive.respond(id_of(event), "8").status == 202);
  CHECK(call.get().body() == "8");
}

TEST_CASE("a result that is cut fails the invocation instead of hanging it") {
  LocalLambda lambda({});
  auto call = lambda.invoke_later("{}");
  const std::string api = lambda.runtime_api();
  {
    RuntimeCalls runtime(api);
    const std::string id = id_of(runtime.next());
    runtime.client().send("POST /2018-06-01/runtime/invocation/" + id +
                          "/response HTTP/1.1\r\nContent-Length: 10\r\n\r\n12345");
    lambda.wait_for_event({.name = "responseStart"});
  }
  const InvokeResult result = call.get();
  CHECK(result.function_error() == "Unhandled");
  CHECK(result.body().find("\"errorType\":\"Runtime.TruncatedResponse\"") != std::string::npos);
}
