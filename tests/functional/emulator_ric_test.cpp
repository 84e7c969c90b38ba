// The emulator under AWS's own Node.js runtime client (aws-lambda-ric), without any layer.
#include "common/environment.h"
#include "tests/fakes/temp_dir.h"
#include "tests/functional/local_lambda.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <stdexcept>
#include <string>

using namespace postlude::testing;  // NOLINT(google-build-using-namespace)

namespace {

constexpr const char* kFunction = R"js(
const http = require('http');
exports.buffered = async (event, context) => {
  console.log('got ' + JSON.stringify(event));
  console.error('on stderr');
  if (event.fail) throw new TypeError(event.fail);
  if (event.exit !== undefined) process.exit(event.exit);
  if (event.sleep) await new Promise((resolve) => setTimeout(resolve, event.sleep));
  return { echo: event, left: context.getRemainingTimeInMillis(),
           client: context.clientContext ?? null, arn: context.invokedFunctionArn };
};
exports.streaming = awslambda.streamifyResponse(async (event, stream) => {
  stream = awslambda.HttpResponseStream.from(stream,
    { statusCode: 202, headers: { 'Content-Type': 'text/plain', 'X-Path': event.rawPath },
      cookies: ['a=b'] });
  stream.write('first ');
  if (event.rawPath === '/fail') {
    await new Promise((resolve) => setTimeout(resolve, 100));
    throw new Error('in the middle');
  }
  await new Promise((resolve) => setTimeout(resolve, 300));
  stream.end('second');
  await stream.finished?.();
});
)js";

std::string ric_command(const std::string& handler) {
  const auto environment = postlude::Environment::of_process();
  const auto tools = environment.find("POSTLUDE_TEST_TOOLS");
  const std::string program = std::string(tools.value_or("")) + "/aws-lambda-ric/bin/index.mjs";
  if (!std::filesystem::exists(program)) {
    throw std::runtime_error("aws-lambda-ric is missing (make deps): " + program);
  }
  return "node " + program + " " + handler;
}

struct Ric {
  explicit Ric(const std::string& handler, std::vector<std::string> options = {})
      : lambda({.function_dir = folder(),
                .handler = handler,
                .runtime = ric_command(handler),
                .options = std::move(options)}) {}
  std::string folder() {
    code.write("index.js", kFunction);
    return code.path();
  }
  TempDir code;
  LocalLambda lambda;
};

}  // namespace

TEST_CASE("a buffered handler on the real runtime client answers, stays warm and logs") {
  Ric ric("index.buffered", {"--timeout", "20s"});
  const InvokeResult first =
      ric.lambda.invoke(R"({"n":1})",
                        {.headers = {{"X-Amz-Log-Type", "Tail"},
                                     {"X-Amz-Client-Context", "eyJjdXN0b20iOnsiYSI6IjEifX0="}}});
  CHECK(first.status() == 200);
  CHECK(first.function_error().empty());
  const auto answer = nlohmann::json::parse(first.body());
  CHECK(answer.at("echo") == nlohmann::json{{"n", 1}});
  CHECK(answer.at("client").at("custom").at("a") == "1");
  CHECK(answer.at("left") > 15'000);
  CHECK(answer.at("left") <= 20'000);
  const std::string tail = first.log_tail();
  CHECK(tail.find("got {\"n\":1}\n") != std::string::npos);
  CHECK(tail.find("on stderr\n") != std::string::npos);
  ric.lambda.wait_for_event({.name = "frozen"});
  CHECK(ric.lambda.invoke("{}").status() == 200);
  CHECK(ric.lambda.events({.name = "initStart"}).size() == 1);
  CHECK(ric.lambda.stop() == 0);
}

TEST_CASE("a handler that throws on the real runtime client fails with its own error") {
  Ric ric("index.buffered");
  const InvokeResult result = ric.lambda.invoke(R"({"fail":"not today"})");
  CHECK(result.status() == 200);
  CHECK(result.function_error() == "Unhandled");
  const auto error = nlohmann::json::parse(result.body());
  CHECK(error.at("errorType") == "TypeError");
  CHECK(error.at("errorMessage") == "not today");
  ric.lambda.wait_for_event({.name = "frozen", .request_id = result.request_id()});
  CHECK(ric.lambda.invoke("{}").function_error().empty());
  CHECK(ric.lambda.events({.name = "initStart"}).size() == 1);
}

TEST_CASE("exit and timeout of a handler on the real runtime client reset the environment") {
  Ric ric("index.buffered", {"--timeout", "3s"});
  const InvokeResult exited = ric.lambda.invoke(R"({"exit":3})");
  CHECK(exited.body() == R"({"errorType":"Runtime.ExitError","errorMessage":"RequestId: )" +
                             exited.request_id() +
                             R"( Error: Runtime exited with error: exit status 3"})");
  const InvokeResult slow = ric.lambda.invoke(R"({"sleep":60000})");
  CHECK(slow.body() == R"({"errorType":"Sandbox.Timedout","errorMessage":"RequestId: )" +
                           slow.request_id() + R"( Error: Task timed out after 3.00 seconds"})");
  ric.lambda.wait_for_event({.name = "reset", .nth = 2});
  CHECK(ric.lambda.invoke("{}").function_error().empty());
}

TEST_CASE("a module that cannot be loaded fails the init with the runtime client's words") {
  Ric ric("nowhere.handler");
  const InvokeResult result = ric.lambda.invoke("{}");
  CHECK(result.function_error() == "Unhandled");
  CHECK(nlohmann::json::parse(result.body()).at("errorType") == "Runtime.ImportModuleError");
  CHECK(ric.lambda.wait_for_log("INIT_REPORT").find("Runtime.ImportModuleError") !=
        std::string::npos);
}

TEST_CASE("a streaming handler on the real runtime client streams through the Function URL") {
  Ric ric("index.streaming", {"--url-mode", "stream"});
  const InvokeResult answer = ric.lambda.url("GET", "/some/path");
  CHECK(answer.status() == 202);
  CHECK(answer.http.header("X-Path") == "/some/path");
  CHECK(answer.http.header("Set-Cookie") == "a=b");
  CHECK(answer.http.header("Content-Type") == "text/plain");
  CHECK(answer.body() == "first second");
  CHECK_FALSE(answer.http.cut);
  const LambdaEvent begun = ric.lambda.wait_for_event({.name = "responseStart"});
  const LambdaEvent ended = ric.lambda.wait_for_event({.name = "responseEnd"});
  CHECK(ended.ms() - begun.ms() > 200);
  CHECK(ric.lambda.wait_for_event({.name = "invokeEnd"}).text("status") == "success");
}

TEST_CASE("a streaming handler that throws mid-stream ends with an error trailer") {
  Ric ric("index.streaming", {"--url-mode", "stream"});
  const InvokeResult answer = ric.lambda.url("GET", "/fail");
  CHECK(answer.status() == 202);
  CHECK(answer.body().starts_with("first "));
  const LambdaEvent ended = ric.lambda.wait_for_event({.name = "responseEnd"});
  CHECK(ended.text("how") == "errorTrailer");
}

TEST_CASE("a streaming handler called by the buffered Invoke API is collected") {
  Ric ric("index.streaming");
  const InvokeResult result = ric.lambda.invoke(R"({"rawPath":"/x"})");
  CHECK(result.status() == 200);
  CHECK(result.body().starts_with("{\"statusCode\":202"));
  CHECK(result.body().ends_with(std::string(8, '\0') + "first second"));
}
