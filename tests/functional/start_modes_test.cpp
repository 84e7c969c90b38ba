// How Postlude is put in front of a function, and how it is left out.
#include "common/child_process.h"
#include "common/environment.h"
#include "tests/fakes/temp_dir.h"
#include "tests/functional/function_story.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>

#include <string>

using namespace postlude;           // NOLINT(google-build-using-namespace)
using namespace postlude::testing;  // NOLINT(google-build-using-namespace)

TEST_CASE("with POSTLUDE_DISABLED the function runs as if the layer were not there") {
  LocalLambda lambda(node_function({.name = "report",
                                    .tasks = task_list({shell_task("never", "echo task ran")}),
                                    .env = {{"POSTLUDE_DISABLED", "1"}}}));
  const InvokeResult result = lambda.invoke(R"({"name": "Ada"})");
  CHECK(result.body().find("Ada") != std::string::npos);
  const LambdaEvent frozen = lambda.wait_for_event({.name = "frozen"});
  CHECK(programs_in(frozen) == std::vector<std::string>{"node"});
  CHECK(lambda.events({.name = "extensionRegistered"}).empty());
  CHECK(receipts(lambda, result.request_id()).empty());
  CHECK(count_lines(lambda, "task ran") == 0);
  CHECK(count_lines(lambda, "\"postlude\"") == 0);
}

TEST_CASE("a disabled Postlude does not even look at its configuration") {
  LocalLambda lambda(
      node_function({.name = "report",
                     .tasks = "no JSON",
                     .env = {{"POSTLUDE_DISABLED", "1"}, {"POSTLUDE_CONCURRENCY", "many"}}}));
  CHECK(lambda.invoke("{}").function_error().empty());
}

TEST_CASE("another wrapper is chained: it gets the runtime's command and its own say") {
  const TempDir folder;
  const std::string wrapper = folder.write_program(
      "wrapper", "#!/bin/sh\necho \"wrapper of $1 $#\"\nexport ADDED=by-wrapper\nexec \"$@\"\n");
  LocalLambda lambda(
      node_function({.name = "report",
                     .tasks = task_list({shell_task("say", R"(echo "task sees <$ADDED>")")}),
                     .env = {{"POSTLUDE_EXEC_WRAPPER", wrapper}}}));
  const InvokeResult result = lambda.invoke(R"({"name": "Ada"})");
  CHECK(result.body().find("Ada") != std::string::npos);
  const std::string line = lambda.wait_for_log("wrapper of ");
  CHECK(line.ends_with("/node 3"));
  CHECK(task_in(receipt(lambda, result.request_id()), "say").at("state") == "done");
  // What a wrapper adds is the function's; tasks see the configured environment.
  CHECK(count_lines(lambda, "task sees <>") == 1);
  CHECK(programs_in(lambda.wait_for_event({.name = "frozen"})) == idle_programs());
}

TEST_CASE("a chained wrapper that does not exist fails the init as the platform reports one") {
  LocalLambda lambda(
      node_function({.name = "report", .env = {{"POSTLUDE_EXEC_WRAPPER", "/opt/no-wrapper"}}}));
  const InvokeResult result = lambda.invoke("{}");
  CHECK(nlohmann::json::parse(result.body()).at("errorType") == "Runtime.ExitError");
  CHECK(result.body().find("exit status 127") != std::string::npos);
  static_cast<void>(lambda.wait_for_log("the runtime cannot be started: "));
}

TEST_CASE("an OS-only runtime is started by the layer's bootstrap, tasks and all") {
  LocalLambda lambda(provided_function(
      {.name = "shell",
       .handler = "main",
       .tasks = task_list({shell_task("say", R"(echo "task of $POSTLUDE_REQUEST_ID")")})}));
  for (int call = 1; call <= 2; ++call) {
    const InvokeResult result = lambda.invoke("{}");
    const std::string id = result.request_id();
    CHECK(result.body() == R"({"answered": ")" + id + R"("})");
    CHECK(task_in(receipt(lambda, id), "say").at("state") == "done");
    CHECK(count_lines(lambda, "task of " + id) == 1);
    static_cast<void>(lambda.wait_for_event({.name = "frozen", .request_id = id}));
  }
  CHECK(lambda.events({.name = "environmentStart"}).size() == 1);
}

TEST_CASE("a handler that names no program fails as a missing bootstrap does") {
  LocalLambda lambda(provided_function({.name = "shell", .handler = "no-such-program"}));
  const InvokeResult result = lambda.invoke("{}");
  CHECK(nlohmann::json::parse(result.body()).at("errorType") == "Runtime.ExitError");
  CHECK(result.body().find("exit status 127") != std::string::npos);
}

TEST_CASE("outside of Lambda the command runs as it is, after one warning") {
  const TempDir folder;
  const UniqueFd output(
      ::open(folder.write("output", "").c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  ChildSpec spec;
  spec.program = built_layer() + "/postlude";
  spec.argv = {spec.program, "sh", "-c", "echo \"served in $$\"; exit 5"};
  spec.environment = Environment::of_process();
  spec.environment.erase("AWS_LAMBDA_RUNTIME_API");
  spec.standard_output = output.get();
  const auto child = start_child(spec);
  REQUIRE(child.has_value());
  CHECK(describe(wait_for(*child)) == "exit status 5");
  const std::string text = folder.read("output");
  const auto warning = nlohmann::json::parse(text.substr(0, text.find('\n')));
  CHECK(warning.at("level") == "WARN");
  CHECK(warning.at("message").get<std::string>().starts_with("AWS_LAMBDA_RUNTIME_API is not set"));
  // The same process: nothing stays in between.
  CHECK(text.ends_with("\nserved in " + std::to_string(*child) + "\n"));
}
