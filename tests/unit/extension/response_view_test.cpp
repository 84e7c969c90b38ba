#include "extension/response_view.h"

#include "common/json_text.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>

namespace postlude::extension {
using namespace std::string_literals;

namespace {

nlohmann::json view(const std::string& bytes) {
  const auto parsed = parse_json(response_json({bytes}));
  REQUIRE(parsed);
  return *parsed;
}

nlohmann::json cut_view(const std::string& bytes) {
  const auto parsed = parse_json(response_json({.bytes = bytes, .truncated = true}));
  REQUIRE(parsed);
  return *parsed;
}

nlohmann::json streamed_view(const std::string& bytes) {
  const auto parsed = parse_json(response_json({.bytes = bytes, .has_prelude = true}));
  REQUIRE(parsed);
  return *parsed;
}

const std::string kNuls(8, '\0');

}  // namespace

TEST_CASE("half a surrogate pair in it makes a result no less JSON") {
  const nlohmann::json response =
      view(R"({"statusCode":200,"headers":{"x":"\ud800"},"body":"a\udc00b"})");
  CHECK(response["statusCode"] == 200);
  CHECK(response["headers"]["x"] == "\xef\xbf\xbd");
  CHECK(response["body"] ==
        "a\xef\xbf\xbd"
        "b");
  CHECK(view(R"({"a":"\ud800","b":1})")["b"] == 1);
  CHECK(view("no JSON: \\ud800") == "no JSON: \\ud800");
  CHECK(cut_view(R"({"statusCode":200,"body":"\ud800 and mo)")["statusCode"] == 200);
  CHECK(streamed_view(R"({"statusCode":201,"headers":{"x":"\ud800"}})" + kNuls +
                      "body")["statusCode"] == 201);
}

TEST_CASE("half a surrogate pair in it makes an error no less an error") {
  const auto error = parse_json(error_json(R"({"errorType":"E","errorMessage":"\ud800"})"));
  REQUIRE(error);
  CHECK((*error)["errorType"] == "E");
}

TEST_CASE("a result with statusCode has all five members, header names in lower case") {
  const nlohmann::json response = view(
      R"({"statusCode":201,"headers":{"Content-Type":"text/plain","X-Count":3,"X-Gone":null},
          "cookies":["a=1"],"body":"hello","isBase64Encoded":false})");
  CHECK(response == nlohmann::json{{"statusCode", 201},
                                   {"headers", {{"content-type", "text/plain"}, {"x-count", "3"}}},
                                   {"cookies", {"a=1"}},
                                   {"body", "hello"},
                                   {"isBase64Encoded", false}});
}

TEST_CASE("a result with statusCode alone has empty and null members beside it") {
  CHECK(view(R"({"statusCode":204})") == nlohmann::json{{"statusCode", 204},
                                                        {"headers", nlohmann::json::object()},
                                                        {"cookies", nlohmann::json::array()},
                                                        {"body", nullptr},
                                                        {"isBase64Encoded", false}});
}

TEST_CASE("a status written as a string of digits is a number") {
  CHECK(view(R"({"statusCode":"404"})").at("statusCode") == 404);
  CHECK(view(R"({"statusCode":"odd"})").at("statusCode") == "odd");
}

TEST_CASE("multi-value headers are joined, win over single ones, and hand over their cookies") {
  const nlohmann::json response = view(
      R"({"statusCode":200,"headers":{"Vary":"x","Set-Cookie":"z=0","A":"1"},
          "multiValueHeaders":{"vary":["a","b"],"Set-Cookie":["c=1","d=2"],"Empty":[]}})");
  CHECK(response.at("headers") == nlohmann::json{{"vary", "a, b"}, {"a", "1"}});
  CHECK(response.at("cookies") == nlohmann::json{"c=1", "d=2"});
}

TEST_CASE("other JSON is that value, byte for byte") {
  CHECK(response_json({R"({"z": 1.10, "a": [true]})"}) == R"({"z": 1.10, "a": [true]})");
  CHECK(response_json({R"("text")"}) == R"("text")");
  CHECK(response_json({"null"}) == "null");
}

TEST_CASE("other text is a string") {
  CHECK(view("hello") == "hello");
  CHECK(view("") == "");
  CHECK(view("{\"statusCode\": oops") == "{\"statusCode\": oops");
}

TEST_CASE("other bytes are base64") {
  CHECK(view("\xff\xfe") == nlohmann::json{{"body", "//4="}, {"isBase64Encoded", true}});
}

TEST_CASE("a stream with prelude takes status, headers and cookies from it and the body after it") {
  CHECK(streamed_view(R"({"statusCode":202,"headers":{"A":"b"},"cookies":["c=1"]})" + kNuls +
                      "hi") == nlohmann::json{{"statusCode", 202},
                                              {"headers", {{"a", "b"}}},
                                              {"cookies", {"c=1"}},
                                              {"body", "hi"},
                                              {"isBase64Encoded", false}});
}

TEST_CASE("a prelude without status means 200, as on the platform") {
  CHECK(streamed_view("{}" + kNuls).at("statusCode") == 200);
  CHECK(streamed_view("{}" + kNuls).at("body") == "");
}

TEST_CASE("a binary body behind a prelude is base64") {
  const nlohmann::json response = streamed_view("{}" + kNuls + "\xff"s);
  CHECK(response.at("body") == "/w==");
  CHECK(response.at("isBase64Encoded") == true);
}

TEST_CASE("a cut body behind a prelude ends with a whole character") {
  const std::string bytes = "{}" + kNuls + "caf\xc3";
  const auto parsed =
      parse_json(response_json({.bytes = bytes, .has_prelude = true, .truncated = true}));
  REQUIRE(parsed);
  CHECK(parsed->at("body") == "caf");
}

TEST_CASE("a result cut in its body still has status, headers and a prefix of the body") {
  const nlohmann::json response =
      cut_view(R"({"statusCode":200,"headers":{"A":"b"},"body":"0123456789)"
               "caf\xc3");
  CHECK(response.at("statusCode") == 200);
  CHECK(response.at("headers") == nlohmann::json{{"a", "b"}});
  CHECK(response.at("body") == "0123456789caf");
}

TEST_CASE("a cut base64 body keeps whole groups only") {
  const nlohmann::json response =
      cut_view(R"({"statusCode":200,"isBase64Encoded":true,"body":"AAAABB)");
  CHECK(response.at("body") == "AAAA");
}

TEST_CASE("other JSON that was cut is a string with its first part") {
  CHECK(cut_view(R"({"items":[1,2,)") == R"({"items":[1,2,)");
  CHECK(cut_view("caf\xc3") == "caf");
  CHECK(cut_view(R"("caf)"
                 "\xc3") == "caf");
}

TEST_CASE("a posted error object is passed on as it is") {
  CHECK(error_json(R"({"errorType":"E", "errorMessage":"m"})") ==
        R"({"errorType":"E", "errorMessage":"m"})");
}

TEST_CASE("an error that is no object becomes the message of one") {
  for (const auto& [posted, message] :
       {std::pair("boom", "boom"), std::pair(R"("quoted")", "quoted"), std::pair("[1]", "[1]")}) {
    const auto parsed = parse_json(error_json(posted));
    REQUIRE(parsed);
    CHECK(parsed->at("errorMessage") == message);
    CHECK(parsed->at("errorType") == "Runtime.Unknown");
  }
}

TEST_CASE("an error object that was cut keeps what was whole") {
  CHECK(error_json(R"({"errorType":"E","errorMessage":"m","stackTrace":["a","b)") ==
        R"({"errorType":"E","errorMessage":"m","stackTrace":["a","b"]})");
}

}  // namespace postlude::extension
