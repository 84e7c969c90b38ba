// How the emulator starts the processes of an environment (lambda-protocol.md 5).
#include "tests/fakes/temp_dir.h"
#include "tests/functional/local_lambda.h"
#include "tests/functional/process_probe.h"
#include "tests/functional/runtime_calls.h"

#include <doctest/doctest.h>

#include <fstream>
#include <string>

using namespace postlude::testing;  // NOLINT(google-build-using-namespace)

TEST_CASE("a wrapper gets the runtime's whole command, an OS-only runtime has no wrapper") {
  const TempDir layer;
  write_script(layer.file("wrapper"), "#!/bin/sh\necho \"wrapped: $*\"\nexec \"$@\"\n");
  write_script(layer.file("bootstrap"),
               "#!/bin/sh\necho \"bootstrap of $0 for $_HANDLER\"\nexec sleep 1000\n");
  {
    LocalLambda managed({.layer_dir = layer.path(),
                         .runtime = "sleep '1000'",
                         .env = {{"AWS_LAMBDA_EXEC_WRAPPER", "/opt/wrapper"}},
                         .options = {"--eager-init"}});
    const std::string line = managed.wait_for_log("wrapped: ");
    CHECK(line.find("/sleep 1000") != std::string::npos);
  }
  LocalLambda provided({.layer_dir = layer.path(),
                        .handler = "main",
                        .runtime = "provided",
                        .env = {{"AWS_LAMBDA_EXEC_WRAPPER", "/opt/wrapper"}},
                        .options = {"--eager-init"}});
  CHECK(provided.wait_for_log("bootstrap of") ==
        "bootstrap of " + layer.file("bootstrap") + " for main");
}

TEST_CASE("a missing wrapper ends as the managed bootstrap's shell does") {
  const TempDir layer;
  LocalLambda lambda(
      {.layer_dir = layer.path(), .env = {{"AWS_LAMBDA_EXEC_WRAPPER", "/opt/missing"}}});
  const InvokeResult result = lambda.invoke("{}");
  CHECK(result.body() == R"({"errorType":"Runtime.ExitError","errorMessage":"RequestId: )" +
                             result.request_id() +
                             R"( Error: Runtime exited with error: exit status 127"})");
}

TEST_CASE("without a bootstrap an OS-only runtime has an invalid entry point") {
  LocalLambda lambda({.runtime = "provided"});
  const InvokeResult result = lambda.invoke("{}");
  CHECK(result.function_error() == "Unhandled");
  CHECK(result.body().find(R"("errorType":"Runtime.InvalidEntrypoint")") != std::string::npos);
}

TEST_CASE("runtime and extensions see their own environment, limit and folder") {
  const TempDir layer;
  const std::string show =
      "echo \"$WHO: [$LAMBDA_TASK_ROOT] [$_HANDLER] [$MINE] [$(ulimit -n)] [$PWD]\"\n";
  write_script(layer.file("extensions/outside"),
               "#!/bin/sh\nWHO=extension\n" + show + "exec sleep 1000\n");
  write_script(layer.file("runtime"), "#!/bin/sh\nWHO=runtime\n" + show + "exec sleep 1000\n");
  LocalLambda lambda({.layer_dir = layer.path(),
                      .handler = "h",
                      .runtime = layer.file("runtime"),
                      .env = {{"MINE", "/opt/x"}},
                      .options = {"--eager-init"}});
  const std::string mine = " [" + layer.file("x") + "] [1024] ";
  CHECK(lambda.wait_for_log("extension: [") == "extension: [] []" + mine + "[/]");
  // The runtime waits for the extension's registration.
  CHECK(lambda.events({.name = "processStarted", .members = {{"process", "runtime"}}}).empty());
  RuntimeCalls extension(lambda.runtime_api());
  CHECK(extension.register_extension("outside", R"({"events":[]})").status == 200);
  const std::string task_root = lambda.folder() + "/function";
  CHECK(lambda.wait_for_log("runtime: [") ==
        "runtime: [" + task_root + "] [h]" + mine + "[" + task_root + "]");
}

TEST_CASE("a file among the extensions that is no program fails the init, a folder does not") {
  const TempDir layer;
  write_script(layer.file("extensions/notes/program"), "#!/bin/sh\nexit 1\n");
  {
    LocalLambda lambda({.layer_dir = layer.path(), .options = {"--eager-init"}});
    RuntimeCalls runtime(lambda.runtime_api());
    runtime.send_next();
    lambda.wait_for_event({.name = "initDone"});
  }
  std::ofstream(layer.file("extensions/README")) << "no program\n";
  LocalLambda lambda({.layer_dir = layer.path()});
  const InvokeResult result = lambda.invoke("{}");
  CHECK(result.function_error() == "Unhandled");
  CHECK(result.body().find(R"("errorType":"Extension.LaunchError")") != std::string::npos);
  CHECK(lambda.wait_for_log("INIT_REPORT")
            .ends_with("\tStatus: error\tError Type: Extension.LaunchError"));
}

TEST_CASE("a registration tells the account to who asks for it") {
  LocalLambda lambda({.options = {"--account", "210987654321"}});
  auto call = lambda.invoke_later("{}");
  RuntimeCalls runtime(lambda.runtime_api());
  CHECK(runtime.register_extension("plain", "{}").body ==
        R"({"functionName":"function","functionVersion":"$LATEST","handler":"index.handler"})");
  const Headers feature{{"Lambda-Extension-Name", "asks"},
                        {"Lambda-Extension-Accept-Feature", "other, accountId"}};
  CHECK(runtime.post("/2020-01-01/extension/register", "{}", feature).body ==
        R"({"functionName":"function","functionVersion":"$LATEST","handler":"index.handler",)"
        R"("accountId":"210987654321"})");
}

TEST_CASE("an error that an external extension reports fails the environment with its type") {
  const std::pair<const char*, const char*> reports[] = {{"init/error", "Extension.InitError"},
                                                         {"exit/error", "Extension.ExitError"}};
  for (const auto& report : reports) {
    CAPTURE(report.first);
    const TempDir layer;
    write_script(layer.file("extensions/outside"), "#!/bin/sh\nexec sleep 1000\n");
    LocalLambda lambda({.layer_dir = layer.path()});
    auto call = lambda.invoke_later("{}");
    const std::string api = lambda.runtime_api();
    RuntimeCalls extension(api);
    lambda.wait_for_event({.name = "processStarted", .members = {{"process", "outside"}}});
    const std::string identifier =
        extension.register_extension("outside", R"({"events":["INVOKE"]})")
            .header("Lambda-Extension-Identifier")
            .value_or("");
    const Headers headers{{"Lambda-Extension-Identifier", identifier},
                          {"Lambda-Extension-Function-Error-Type", "Extension.Mine"}};
    const std::string path = std::string("/2020-01-01/extension/") + report.first;
    RuntimeCalls runtime(api);
    if (report.first == std::string_view("exit/error")) {
      extension.send_event_next(identifier);
      static_cast<void>(runtime.next());
      CHECK(extension.read().status == 200);
    }
    const RawResponse answer = extension.post(path, "{}", headers);
    CHECK(answer.status == 202);
    CHECK(answer.body == "{\"status\":\"OK\"}\n");
    CHECK(lambda.wait_for_event({.name = "extensionError"}).text("type") == report.second);
    if (report.first == std::string_view("init/error")) {
      lambda.wait_for_event({.name = "initFailed"});
      // The init is repeated inside the invocation, and fails again.
      RuntimeCalls again(lambda.wait_for_event({.name = "initStart", .nth = 2}).text("api"));
      lambda.wait_for_event(
          {.name = "processStarted", .members = {{"process", "outside"}}, .nth = 2});
      const std::string second = again.register_extension("outside", R"({"events":["INVOKE"]})")
                                     .header("Lambda-Extension-Identifier")
                                     .value_or("");
      CHECK(again.post(path, "{}", {{"Lambda-Extension-Identifier", second}, headers[1]}).status ==
            202);
    }
    const InvokeResult result = call.get();
    CHECK(result.function_error() == "Unhandled");
    CHECK(result.body() == R"({"errorType":")" + std::string(report.second) +
                               R"(","errorMessage":"RequestId: )" + result.request_id() +
                               R"( Error: exit code 0"})");
  }
}
