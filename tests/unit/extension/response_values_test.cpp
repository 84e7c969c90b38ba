#include "extension/response_values.h"

#include "common/base64.h"
#include "extension/response_view.h"

#include <doctest/doctest.h>

namespace postlude::extension {
namespace {

using State = JsonValue::State;

std::string value_at(const CapturedResponse& response, const JsonPath& path) {
  const std::string json = response_json(response);
  const auto values = response_values({json, response.truncated}, {path});
  REQUIRE(values.size() == 1);
  return values[0].state == State::found     ? values[0].text
         : values[0].state == State::missing ? "missing: " + values[0].why
                                             : "too large";
}

std::string value_at(std::string_view answer, const JsonPath& path) {
  return value_at(CapturedResponse{.bytes = answer}, path);
}

TEST_CASE("the head of an HTTP result is as in the document, names of headers in any case") {
  constexpr std::string_view kAnswer =
      R"({"statusCode":202,"headers":{"X-A":"1"},"cookies":["a=b"],"body":"hi"})";
  CHECK(value_at(kAnswer, {"statusCode"}) == "202");
  CHECK(value_at(kAnswer, {"headers", "X-A"}) == "\"1\"");
  CHECK(value_at(kAnswer, {"cookies", "0"}) == "\"a=b\"");
}

TEST_CASE("the body of an HTTP result is parsed by its content type, plain or base64") {
  constexpr std::string_view kJson =
      R"({"statusCode":200,"headers":{"Content-Type":"application/json"},)";
  CHECK(value_at(std::string(kJson) + R"("body":"{\"a\":[1]}"})", {"body", "a", "0"}) == "1");
  CHECK(value_at(std::string(kJson) + R"("isBase64Encoded":true,"body":")" +
                     base64_encode(R"({"a":2})") + "\"}",
                 {"body", "a"}) == "2");
  CHECK(value_at(std::string(kJson) + R"("body":"oops"})", {"body"}) ==
        "missing: the body is not valid JSON");
  CHECK(value_at(R"({"statusCode":200,"headers":{"content-type":"text/plain"},"body":"{}"})",
                 {"body"}) == "\"{}\"");
  CHECK(value_at(
            R"({"statusCode":200,"headers":{"content-type":"application/x-www-form-urlencoded"},)"
            R"("body":"a=1&b=2"})",
            {"body", "b"}) == "\"2\"");
}

TEST_CASE("without a content type the body is JSON where it can be") {
  CHECK(value_at(R"({"statusCode":200,"body":"{\"a\":1}"})", {"body", "a"}) == "1");
  CHECK(value_at(R"({"statusCode":200,"body":"{\"a\":1}"})", {"body"}) == R"({"a":1})");
  CHECK(value_at(R"({"statusCode":200,"body":"{\"a\":1} more"})", {"body"}) ==
        R"("{\"a\":1} more")");
  CHECK(value_at(R"({"statusCode":200,"body":"hello"})", {"body"}) == "\"hello\"");
  CHECK(value_at(R"({"statusCode":200,"body":{"a":1}})", {"body", "a"}) == "1");
  CHECK(value_at(R"({"statusCode":204})", {"body"}) == "null");
}

TEST_CASE("the whole response has its body decoded") {
  CHECK(value_at(R"({"statusCode":200,"isBase64Encoded":true,"body":"eyJhIjoxfQ=="})", {}) ==
        R"({"body":{"a":1},"cookies":[],"headers":{},"isBase64Encoded":false,"statusCode":200})");
  CHECK(value_at(R"({"statusCode":200,"isBase64Encoded":true,"body":"/w=="})", {}) ==
        R"({"body":"/w==","cookies":[],"headers":{},"isBase64Encoded":true,"statusCode":200})");
}

TEST_CASE("an answer that is no HTTP result is what it is") {
  CHECK(value_at(R"({"body":"{\"a\":1}","ok":true})", {"body"}) == R"("{\"a\":1}")");
  CHECK(value_at(R"({"body":"x","ok":true})", {"ok"}) == "true");
  CHECK(value_at("[1,2]", {"1"}) == "2");
  CHECK(value_at("plain text", {}) == "\"plain text\"");
  CHECK(value_at("\xff", {"body"}) == "missing: the body is binary");
}

TEST_CASE("what was cut is missing, the head is not") {
  CapturedResponse cut{.bytes = R"({"statusCode":200,"headers":{"a":"b"},"body":"{\"a\":1,\"b)",
                       .truncated = true};
  CHECK(value_at(cut, {"statusCode"}) == "200");
  CHECK(value_at(cut, {"headers", "a"}) == "\"b\"");
  CHECK(value_at(cut, {"body", "a"}) == "missing: only a part was kept");
  CHECK(value_at(cut, {"body"}) == "missing: only a part was kept");
  CHECK(value_at(cut, {}) == "missing: only a part was kept");
  CHECK(value_at(CapturedResponse{.bytes = "a long", .truncated = true}, {}) ==
        "missing: only a part was kept");
}

TEST_CASE("a streamed answer has its body behind the prelude") {
  const std::string answer =
      std::string(R"({"statusCode":201,"headers":{"content-type":"application/json"}})") +
      std::string(8, '\0') + R"({"id":7})";
  const CapturedResponse response{.bytes = answer, .has_prelude = true};
  CHECK(value_at(response, {"statusCode"}) == "201");
  CHECK(value_at(response, {"body", "id"}) == "7");
}

}  // namespace
}  // namespace postlude::extension
