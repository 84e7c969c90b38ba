// An unchanged buffered function behind a streaming Function URL, with
// POSTLUDE_RESPONSE_MODE=stream: its callers see what the callers of a buffered URL see.
#include "common/base64.h"
#include "tests/fakes/temp_dir.h"
#include "tests/functional/function_story.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

using namespace postlude::testing;  // NOLINT(google-build-using-namespace)

namespace {

const FunctionSpec kStreamed{.name = "returns",
                             .env = {{"POSTLUDE_RESPONSE_MODE", "stream"}},
                             .options = {"--url-mode", "stream"}};
const FunctionSpec kBuffered{.name = "returns"};

InvokeResult call(LocalLambda& lambda, const std::string& result) {
  return lambda.url("POST", "/", {{"Content-Type", "application/json"}}, result);
}

}  // namespace

TEST_CASE("callers of the streaming URL see what callers of a buffered one see") {
  LocalLambda streamed(node_function(kStreamed));
  LocalLambda buffered(node_function(kBuffered));
  const std::string bytes = std::string("\x00\xff\x1f\x8b", 4) + std::string(100'000, '\xa5');
  const nlohmann::json headers = {{"content-type", "text/x-story"}, {"x-number", 5}};
  const std::vector<nlohmann::json> results = {
      {{"statusCode", 200}, {"headers", headers}, {"body", "h\u00e9llo \U0001f600\n"}},
      {{"statusCode", 418}, {"headers", headers}, {"cookies", {"a=b", "c=d"}}},
      {{"statusCode", "404"}, {"headers", headers}, {"body", ""}},
      {{"statusCode", 200},
       {"headers", headers},
       {"isBase64Encoded", true},
       {"body", postlude::base64_encode(bytes)}}};
  for (const auto& result : results) {
    CAPTURE(result.dump().substr(0, 200));
    const InvokeResult left = call(streamed, result.dump());
    const InvokeResult right = call(buffered, result.dump());
    CHECK(left.status() == right.status());
    CHECK((left.body() == right.body()));
    CHECK_FALSE(left.http.cut);
    for (const char* name : {"content-type", "x-number", "set-cookie"}) {
      CHECK(left.http.header(name) == right.http.header(name));
    }
  }
}

TEST_CASE("other results arrive as they were returned, malformed ones too") {
  LocalLambda lambda(node_function(kStreamed));
  for (const std::string result : {R"({"hello":"world"})",
                                   "[1,2]",
                                   R"({"statusCode":200,"body":{"not":"a string"}})",
                                   R"({"statusCode":"soon","body":"x"})"}) {
    const InvokeResult answer = call(lambda, result);
    CHECK(answer.status() == 200);
    CHECK(answer.body() == result);
  }
}

TEST_CASE("a task sees the result as the function gave it") {
  const TempDir folder;
  FunctionSpec spec = kStreamed;
  spec.tasks = task_list({shell_task("keep", R"(cat >"$REPORT_DIR/document.json")")});
  spec.env.emplace_back("REPORT_DIR", folder.path());
  LocalLambda lambda(node_function(spec));
  const InvokeResult result =
      call(lambda, R"({"statusCode":201,"isBase64Encoded":true,"body":"aGk=","mine":1})");
  CHECK(result.status() == 201);
  CHECK(result.body() == "hi");
  CHECK(task_in(receipt(lambda, result.request_id()), "keep").at("state") == "done");
  const auto response = nlohmann::json::parse(folder.read("document.json")).at("response");
  CHECK(response.at("statusCode") == 201);
  CHECK(response.at("body") == "aGk=");
  CHECK(response.at("isBase64Encoded") == true);
}
