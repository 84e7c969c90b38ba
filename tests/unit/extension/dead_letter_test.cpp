#include "extension/dead_letter.h"

#include "common/json_text.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>

namespace postlude::extension {
using Json = nlohmann::json;

namespace {

constexpr std::size_t kPlenty = std::size_t{1} << 20;
constexpr const char* kDefinition = R"({"name":"report","http":{"url":"${event.url}"}})";
constexpr const char* kBefore = R"({"id":"r/report/0","task":"report","event":)";

std::string after(std::string_view response, std::string_view truncated) {
  return ",\"response\":" + std::string(response) +
         R"(,"error":null,"payload":{"p":1},"truncated":)" + std::string(truncated) + "}\n";
}

DeadLetter letter(std::string_view event, std::string_view after_event) {
  return {.id = "r/report/0",
          .state = "failed",
          .attempts = 3,
          .last_error = "503 \"busy\"",
          .definition = kDefinition,
          .before_event = kBefore,
          .event = event,
          .after_event = after_event};
}

Json parsed(const Result<std::string>& body) {
  REQUIRE(body);
  CHECK(body->find('\n') == std::string::npos);
  const auto document = parse_json(*body);
  REQUIRE(document);
  return *document;
}

}  // namespace

TEST_CASE("a letter holds state, attempts, last error, definition and the whole document") {
  const std::string rest = after(R"({"statusCode":200})", "null");
  CHECK(parsed(dead_letter_body(letter(R"({"url":"u"})", rest), kPlenty)) ==
        Json{{"postlude", "deadLetter"},
             {"version", 1},
             {"id", "r/report/0"},
             {"state", "failed"},
             {"attempts", 3},
             {"lastError", "503 \"busy\""},
             {"task", {{"name", "report"}, {"http", {{"url", "${event.url}"}}}}},
             {"document",
              {{"id", "r/report/0"},
               {"task", "report"},
               {"event", {{"url", "u"}}},
               {"response", {{"statusCode", 200}}},
               {"error", nullptr},
               {"payload", {{"p", 1}}},
               {"truncated", nullptr}}}});
}

TEST_CASE("without an error the last error is null") {
  const std::string rest = after("null", "null");
  DeadLetter none = letter("null", rest);
  none.last_error.reset();
  CHECK(parsed(dead_letter_body(none, kPlenty))["lastError"].is_null());
}

TEST_CASE("an event that does not fit goes first, and is named") {
  const std::string event = "\"" + std::string(2000, 'e') + "\"";
  const std::string rest = after("\"kept\"", "null");
  const Json document = parsed(dead_letter_body(letter(event, rest), 1000))["document"];
  CHECK(document["event"].is_null());
  CHECK(document["response"] == "kept");
  CHECK(document["payload"] == Json{{"p", 1}});
  CHECK(document["truncated"] == Json{"event"});
}

TEST_CASE("a response that does not fit goes next; of a cut one only its absence is named") {
  const std::string event = "\"" + std::string(2000, 'e') + "\"";
  const std::string rest =
      after(R"({"body":")" + std::string(2000, 'r') + "\"}", R"(["response.body"])");
  const Json first = parsed(dead_letter_body(letter(event, rest), 3000))["document"];
  CHECK(first["truncated"] == Json{"response.body", "event"});
  CHECK(first["response"]["body"].get<std::string>().size() == 2000);
  const Json both = parsed(dead_letter_body(letter(event, rest), 1000))["document"];
  CHECK(both["event"].is_null());
  CHECK(both["response"].is_null());
  CHECK(both["truncated"] == Json{"event", "response"});
}

TEST_CASE("the limit itself still fits, one byte less does not") {
  const std::string rest = after("null", "null");
  const DeadLetter some = letter("\"event\"", rest);
  const std::size_t size = dead_letter_body(some, kPlenty)->size();
  CHECK(parsed(dead_letter_body(some, size))["document"]["event"] == "event");
  CHECK_FALSE(dead_letter_body(some, size - 1));  // the name of what is gone is longer here
  const std::string long_event = "\"" + std::string(100, 'e') + "\"";
  const DeadLetter other = letter(long_event, rest);
  const std::size_t other_size = dead_letter_body(other, kPlenty)->size();
  CHECK(parsed(dead_letter_body(other, other_size - 1))["document"]["event"].is_null());
}

TEST_CASE("a letter that cannot be made short enough is an error with limit and size") {
  const std::string rest = after("null", "null");
  const auto body = dead_letter_body(letter("1", rest), 50);
  REQUIRE_FALSE(body);
  CHECK(body.error().message.starts_with("a dead letter without event and response has "));
  CHECK(body.error().message.ends_with(" bytes, more than 50"));
}

}  // namespace postlude::extension
