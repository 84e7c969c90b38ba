#include "common/base64.h"
#include "tests/emulator/bandwidth.h"
#include "tests/emulator/error_types.h"
#include "tests/emulator/url_event.h"
#include "tests/emulator/url_result.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>

using namespace postlude::emulator;  // NOLINT(google-build-using-namespace)

namespace {

const std::string kNuls(8, '\0');

WholeResult whole(const std::string& body) {
  return {"application/json", body, std::nullopt};
}

}  // namespace

TEST_CASE("a prelude is found in any splitting, and what follows is the body") {
  const std::string prelude =
      R"({"statusCode":"201","headers":{"A":"1","n":2},"multiValueHeaders":{"M":["x","y"]},)"
      R"("cookies":["c=d"]})";
  const std::string bytes = prelude + kNuls + "rest";
  for (std::size_t split = 0; split <= bytes.size(); ++split) {
    CAPTURE(split);
    PreludeParser parser;
    const std::size_t end = prelude.size() + kNuls.size();
    const auto first = parser.feed(bytes.substr(0, split));
    CHECK((first == PreludeParser::State::complete) == (split >= end));
    std::string rest = first == PreludeParser::State::complete ? parser.rest() : "";
    if (first != PreludeParser::State::complete) {
      CHECK(parser.feed(bytes.substr(split)) == PreludeParser::State::complete);
      rest = parser.rest();
    } else {
      rest += bytes.substr(split);
    }
    CHECK(rest == "rest");
    CHECK(parser.answer().status == 201);
    const std::vector<std::pair<std::string, std::string>> expected{
        {"A", "1"}, {"n", "2"}, {"M", "x"}, {"M", "y"}, {"Set-Cookie", "c=d"}};
    CHECK(parser.answer().headers == expected);
  }
}

TEST_CASE("a prelude that is none is invalid") {
  PreludeParser text;
  CHECK(text.feed("hello" + kNuls) == PreludeParser::State::invalid);
  PreludeParser list;
  CHECK(list.feed(R"({"headers":[]})" + kNuls) == PreludeParser::State::invalid);
  PreludeParser endless;
  CHECK(endless.feed(std::string(PreludeParser::kMaxBytes + 1, ' ')) ==
        PreludeParser::State::invalid);
}

TEST_CASE("buffered results become answers by the documented table") {
  CHECK(buffered_url_answer(whole(R"({"hello": "world"})")).body == R"({"hello":"world"})");
  CHECK(buffered_url_answer(whole("3")).body == "3");
  CHECK(buffered_url_answer(whole("true")).body == "true");
  CHECK(buffered_url_answer(whole("\"hello\"")).body == "hello");
  CHECK(buffered_url_answer(whole("[1, 2]")).content_type == "application/json");
  CHECK(buffered_url_answer(whole(R"({"statusCode":99})")).status == 502);
  CHECK(buffered_url_answer(whole(R"({"statusCode":200,"headers":"x"})")).status == 502);
  CHECK(buffered_url_answer(whole(R"({"statusCode":200,"body":"*","isBase64Encoded":true})"))
            .status == 502);
  CHECK(buffered_url_answer(whole("{}" + kNuls + "x")).status == 502);
  const HttpAnswer framed =
      buffered_url_answer(whole(R"({"statusCode":200,"headers":{"Content-Length":"9"}})"));
  CHECK(framed.headers.empty());
}

TEST_CASE("bodies that are no text are base64 in the event") {
  const auto event_of = [](const std::string& type, const std::string& body) {
    return nlohmann::json::parse(url_event(
        {.method = "POST", .target = "/", .headers = {{"content-type", type}}, .body = body},
        {.api_id = "id", .region = "eu-west-1", .request_id = "r", .trace_id = "t"}));
  };
  CHECK(event_of("text/plain; charset=utf-8", "x").at("body") == "x");
  CHECK(event_of("application/vnd.api+json", "{}").at("isBase64Encoded") == false);
  CHECK(event_of("application/octet-stream", "x").at("body") == "eA==");
  CHECK(event_of("text/plain", "\xff").at("body") == "/w==");
  CHECK(event_of("", "x").at("isBase64Encoded") == true);
  CHECK(event_of("", "x").at("requestContext").at("domainName") ==
        "id.lambda-url.eu-west-1.on.aws");
}

TEST_CASE("base64 round-trips and refuses what it is not") {
  for (std::size_t size = 0; size < 8; ++size) {
    const std::string bytes = std::string(
                                  "\0\xff\x10"
                                  "abcde",
                                  8)
                                  .substr(0, size);
    CHECK(postlude::base64_decode(postlude::base64_encode(bytes)) == bytes);
  }
  CHECK(postlude::base64_encode("ab") == "YWI=");
  CHECK_FALSE(postlude::base64_decode("a*b").has_value());
}

TEST_CASE("error types are cleaned as the platform does it") {
  CHECK(clean_error_type("Runtime.ExitError") == "Runtime.ExitError");
  CHECK(clean_error_type("Function.Broken") == "Function.Broken");
  CHECK(clean_error_type("Function.not") == "Function.Unknown");
  CHECK(clean_error_type("Runtime.a1") == "Runtime.Unknown");
  CHECK(clean_error_type("TypeError") == "Runtime.Unknown");
  CHECK(clean_error_type("") == "Runtime.Unknown");
}

TEST_CASE("a stream has six mebibytes at once and two a second after that") {
  const Bandwidth::Clock::time_point start{};
  Bandwidth meter(start);
  constexpr std::size_t kMiB = std::size_t{1} << 20;
  CHECK(meter.take(10 * kMiB, start) == 6 * kMiB);
  CHECK(meter.take(1, start + std::chrono::milliseconds(124)) == 0);
  CHECK(meter.take(kMiB, start + std::chrono::milliseconds(125)) == kMiB / 4);
  CHECK(meter.take(10 * kMiB, start + std::chrono::seconds(1)) == kMiB * 7 / 4);
  CHECK(meter.take(10 * kMiB, start + std::chrono::hours(1)) == 6 * kMiB);
}
