#include "common/json_text.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace postlude {
namespace {

std::string error_of(std::string_view text) {
  const auto parsed = parse_json(text);
  return parsed ? "accepted" : parsed.error().message;
}

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

TEST_CASE("JSON text becomes the value it says") {
  const auto parsed = parse_json(R"( {"a": [1, -2, 2.5, true, null, "x\u00e9"]} )");
  REQUIRE(parsed);
  const nlohmann::json& items = parsed->at("a");
  CHECK(items.size() == 6);
  CHECK(items[0].is_number_unsigned());
  CHECK(items[1].is_number_integer());
  CHECK(items[2].is_number_float());
  CHECK(items[3].is_boolean());
  CHECK(items[4].is_null());
  CHECK(*items[5].get_ptr<const std::string*>() == "x\xc3\xa9");
}

TEST_CASE("malformed JSON is an error that names the offset and repeats nothing of the text") {
  struct Malformed {
    std::string text;
    std::string error;
  };
  const std::vector<Malformed> cases{
      {"", "offset 0: unexpected end of input; expected a value"},
      {"[1,]", "offset 3: unexpected ']'; expected a value"},
      {"[1 2]", "offset 3: unexpected a number; expected ',' or ']'"},
      {"{\"a\":1", "offset 6: unexpected end of input; expected ',' or '}'"},
      {"[\"secret", "offset 8: invalid string: missing closing quote"},
      {"secret", "offset 0: invalid literal"},
      {"[true false]", "offset 10: unexpected false; expected ',' or ']'"},
      {"{\"a\":1} x", "offset 8: invalid literal"},
      {"[\"\xff\"]", "offset 2: invalid string: ill-formed UTF-8 byte"},
      {R"(["\ud800"])",
       "offset 8: invalid string: surrogate U+D800..U+DBFF must be followed by U+DC00..U+DFFF"},
      {std::string("[1]\0", 4), "offset 3: NUL byte"},
      {"[1e400]", "a number is too large"},
  };
  for (const Malformed& malformed : cases) {
    CAPTURE(malformed.text);
    CHECK(error_of(malformed.text) == malformed.error);
  }
}

TEST_CASE("documents at the depth limit are read and one level more is refused") {
  CHECK(error_of(nested(kMaxJsonDepth)) == "accepted");
  CHECK(error_of(nested(kMaxJsonDepth + 1)) == "offset 256: nested deeper than 256 levels");
  CHECK(error_of(std::string(1'000'000, '{')) == "offset 256: nested deeper than 256 levels");
}

TEST_CASE("brackets inside strings are no depth") {
  CHECK(error_of("[\"" + std::string(1000, '[') + "\\\"" + std::string(1000, '{') + "\"]") ==
        "accepted");
}

TEST_CASE("values are written compactly on one line") {
  const nlohmann::json value{{"b", {1, 2.5, true, nullptr}}, {"a", "line\nfeed"}};
  CHECK(dump_json(value) == R"({"a":"line\nfeed","b":[1,2.5,true,null]})");
}

TEST_CASE("invalid UTF-8 is replaced when written, never thrown at the caller") {
  CHECK(dump_json(nlohmann::json(std::string("a\xff\xc3"))) == "\"a\xef\xbf\xbd\xef\xbf\xbd\"");
}

}  // namespace
}  // namespace postlude
