// Web frameworks behind a Function URL: their own ways to work after the response are not waited
// for by the caller, in buffered mode too. The frameworks are the real packages.
#include "tests/fakes/temp_dir.h"
#include "tests/functional/function_story.h"
#include "tests/functional/local_lambda.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>

using namespace postlude::testing;  // NOLINT(google-build-using-namespace)

namespace {

struct Framework {
  const char* function;
  const char* what;
};

const Framework kFrameworks[] = {{"web-hono", "waitUntil() in Hono"},
                                 {"web-asgi", "a background task of Starlette"},
                                 {"web-wsgi", "call_on_close() of Flask"}};

LambdaSetup web_function(const Framework& framework, const std::string& gate) {
  const FunctionSpec spec{.name = framework.function,
                          .env = {{"GATE", gate},
                                  {"NODE_PATH", "/opt/nodejs/node_modules:" + test_tools()},
                                  {"PYTHONPATH", "/opt/python"},
                                  {"PYTHONDONTWRITEBYTECODE", "1"}},
                          .options = {"--max-environments", "1", "--admission-wait", "30s"}};
  return spec.name == "web-hono" ? node_function(spec) : python_function(spec);
}

InvokeResult order(LocalLambda& lambda, const std::string& body) {
  return lambda.url("POST", "/orders/a%20kind?x=1", {{"Content-Type", "application/json"}}, body);
}

}  // namespace

TEST_CASE("a framework's work after the response is not waited for by the caller") {
  for (const Framework& framework : kFrameworks) {
    CAPTURE(framework.what);
    const TempDir folder;
    const Gate gate(folder.file("gate"));
    LocalLambda lambda(web_function(framework, gate.path()));
    for (std::size_t nth = 1; nth <= 2; ++nth) {
      const InvokeResult result = order(lambda, R"({"name":"tea"})");
      CHECK(result.status() == 202);
      const auto body = nlohmann::json::parse(result.body());
      CHECK(body.at("taken") == "tea");
      CHECK(body.at("path").get<std::string>().starts_with("/orders/a"));
      CHECK(count_lines(lambda, "recorded tea") == nth - 1);
      CHECK(lambda.events({.name = "invokeEnd"}).size() == nth - 1);
      gate.let_one_pass();
      CHECK(lambda.wait_for_event({.name = "invokeEnd", .nth = nth}).text("status") == "success");
      static_cast<void>(lambda.wait_for_log("recorded tea", nth));
    }
    CHECK(lambda.events({.name = "environmentStart"}).size() == 1);
  }
}

TEST_CASE("work of a framework that fails changes nothing for the caller, nor for the next one") {
  for (const Framework& framework : kFrameworks) {
    CAPTURE(framework.what);
    const TempDir folder;
    const Gate gate(folder.file("gate"));
    LocalLambda lambda(web_function(framework, gate.path()));
    gate.let_one_pass();
    CHECK(order(lambda, R"({"name":"tea","fails":true})").status() == 202);
    CHECK(lambda.wait_for_event({.name = "invokeEnd"}).text("status") == "success");
    gate.let_one_pass();
    CHECK(order(lambda, R"({"name":"milk"})").status() == 202);
    CHECK(lambda.wait_for_event({.name = "invokeEnd", .nth = 2}).text("status") == "success");
    static_cast<void>(lambda.wait_for_log("recorded milk"));
  }
}
