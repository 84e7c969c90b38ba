#include "common/json_positions.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace postlude {
namespace {

JsonNode parse(std::string_view text) {
  auto parsed = parse_positioned_json(text);
  REQUIRE(parsed);
  return std::move(*parsed);
}

/// "LINE:COLUMN: message", or "accepted".
std::string problem_of(std::string_view text) {
  const auto parsed = parse_positioned_json(text);
  if (parsed) {
    return "accepted";
  }
  const JsonProblem& problem = parsed.error();
  return std::to_string(problem.position.line) + ":" + std::to_string(problem.position.column) +
         ": " + problem.message;
}

TEST_CASE("every value and key knows the line and column of its first character") {
  const JsonNode root =
      parse("{\n  \"a\" : [ 1,22 ,\"x\\\"y\"],\r\n\t\"b\":{\"c\":null}, \"d\": false}\n");
  CHECK(root.position == TextPosition{1, 1});
  REQUIRE(root.items.size() == 3);

  const JsonNode& a = root.items[0];
  CHECK(a.key == "a");
  CHECK(a.key_position == TextPosition{2, 3});
  CHECK(a.position == TextPosition{2, 9});
  REQUIRE(a.items.size() == 3);
  CHECK(a.items[0].position == TextPosition{2, 11});
  CHECK(a.items[1].position == TextPosition{2, 13});
  CHECK(a.items[2].position == TextPosition{2, 17});
  CHECK(a.items[2].text == "x\"y");

  const JsonNode& b = root.items[1];
  CHECK(b.key_position == TextPosition{3, 2});
  CHECK(b.position == TextPosition{3, 6});
  CHECK(b.items.at(0).key_position == TextPosition{3, 7});
  CHECK(b.items.at(0).position == TextPosition{3, 11});

  CHECK(root.items[2].key_position == TextPosition{3, 18});
  CHECK(root.items[2].position == TextPosition{3, 23});
}

TEST_CASE("columns count code points, whatever their number of bytes") {
  const JsonNode root = parse("[\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\", 1]");
  CHECK(root.items.at(1).position == TextPosition{1, 9});
}

TEST_CASE("columns follow the text as written, not as decoded") {
  const JsonNode root = parse(R"(["\u00e9\n\\", 1])");
  CHECK(root.items.at(0).text == "\xc3\xa9\n\\");
  CHECK(root.items.at(1).position == TextPosition{1, 16});
}

TEST_CASE("a byte order mark has no column") {
  CHECK(parse("\xef\xbb\xbf[1]").items.at(0).position == TextPosition{1, 2});
}

TEST_CASE("kinds and scalars are kept, numbers as they were written") {
  const JsonNode root =
      parse(R"([null, true, false, -1, 1.50e+3, 18446744073709551616, "s", {}, []])");
  const std::vector<std::string_view> descriptions{"null",
                                                   "true",
                                                   "false",
                                                   "a number",
                                                   "a number",
                                                   "a number",
                                                   "a string",
                                                   "an object",
                                                   "an array"};
  REQUIRE(root.items.size() == descriptions.size());
  for (std::size_t index = 0; index < descriptions.size(); ++index) {
    CHECK(describe(root.items[index]) == descriptions[index]);
  }
  CHECK(root.items[3].text == "-1");
  CHECK(root.items[4].text == "1.50e+3");
  CHECK(root.items[5].text == "18446744073709551616");
}

TEST_CASE("duplicate keys are kept in the order of the text") {
  const JsonNode root = parse(R"({"a":1,"b":2,"a":3})");
  REQUIRE(root.items.size() == 3);
  CHECK(root.items[0].key == "a");
  CHECK(root.items[2].key == "a");
  CHECK(root.items[2].text == "3");
  CHECK(root.items[2].key_position == TextPosition{1, 14});
}

TEST_CASE("a single scalar is a document") {
  CHECK(parse("  7 ").position == TextPosition{1, 3});
}

TEST_CASE("malformed JSON is located where a reader would look") {
  struct Malformed {
    std::string text;
    std::string problem;
  };
  const std::vector<Malformed> cases{
      {"", "1:1: not valid JSON: empty"},
      {" \n ", "1:1: not valid JSON: empty"},
      {"[", "1:2: not valid JSON: unexpected end of input; expected a value"},
      {"[1,\n2", "2:2: not valid JSON: unexpected end of input; expected ',' or ']'"},
      {"{\"a\":1", "1:7: not valid JSON: unexpected end of input; expected ',' or '}'"},
      {"[1,]", "1:4: not valid JSON: unexpected ']'; expected a value"},
      {"{\"a\":1,}", "1:8: not valid JSON: unexpected '}'; expected a key in double quotes"},
      {"[,1]", "1:2: not valid JSON: unexpected ','; expected a value"},
      {"[1,,2]", "1:4: not valid JSON: unexpected ','; expected a value"},
      {"[1 \"two\"]", "1:4: not valid JSON: unexpected a string; expected ',' or ']'"},
      {"{\"a\" 1}", "1:6: not valid JSON: unexpected a number; expected ':'"},
      {"{\"a\"::1}", "1:6: not valid JSON: unexpected ':'; expected a value"},
      {"{\"a\":}", "1:6: not valid JSON: unexpected '}'; expected a value"},
      {"{a:1}", "1:2: not valid JSON: invalid literal"},
      {"{1:1}", "1:2: not valid JSON: unexpected a number; expected a key in double quotes"},
      {"[}", "1:2: not valid JSON: unexpected '}'; expected a value"},
      {"{]", "1:2: not valid JSON: unexpected ']'; expected a key in double quotes"},
      {"[] []", "1:4: not valid JSON: unexpected '['; expected end of input"},
      {"['a']", "1:2: not valid JSON: invalid literal"},
      {"[tru]", "1:2: not valid JSON: invalid literal"},
      {"[1, nullx]", "1:9: not valid JSON: invalid literal"},
      {"// no\n[]", "1:1: not valid JSON: invalid literal"},
      {"[NaN]", "1:2: not valid JSON: invalid literal"},
      {"[-Infinity]", "1:2: not valid JSON: invalid number; expected digit after '-'"},
      {"[1, -", "1:5: not valid JSON: invalid number; expected digit after '-'"},
      {"[1.]", "1:2: not valid JSON: invalid number; expected digit after '.'"},
      {"[1e]", "1:2: not valid JSON: invalid number; expected '+', '-', or digit after exponent"},
      {"[01]", "1:3: not valid JSON: unexpected a number; expected ',' or ']'"},
      {"[+1]", "1:2: not valid JSON: invalid literal"},
      {"[0x10]", "1:3: not valid JSON: invalid literal"},
      {"[1, 1e999]", "1:5: not valid JSON: a number is too large"},
      {"[1, \"abc", "1:5: not valid JSON: invalid string: missing closing quote"},
      {"[\"a\nb\"]",
       "1:4: not valid JSON: invalid string: control character U+000A (LF) must be escaped to "
       "\\u000A or \\n"},
      {"[\"a\tb\"]",
       "1:4: not valid JSON: invalid string: control character U+0009 (HT) must be escaped to "
       "\\u0009 or \\t"},
      {"[\"\x01\"]",
       "1:3: not valid JSON: invalid string: control character U+0001 (SOH) must be escaped to "
       "\\u0001"},
      {std::string("[\"a\0b\"]", 7), "1:4: not valid JSON: NUL byte"},
      {std::string("[1]\0[2]", 7), "1:4: not valid JSON: NUL byte"},
      {"[\"a\x7f\"]", "accepted"},
      {"[\"a\xff\"]", "1:4: not valid JSON: invalid string: ill-formed UTF-8 byte"},
      {"[\"\xc0\xaf\"]", "1:3: not valid JSON: invalid string: ill-formed UTF-8 byte"},
      {"[\"\xed\xa0\x80\"]", "1:4: not valid JSON: invalid string: ill-formed UTF-8 byte"},
      {"[\"\xc3\"]", "1:4: not valid JSON: invalid string: ill-formed UTF-8 byte"},
      {"[\xc3\xa9]", "1:2: not valid JSON: invalid literal"},
      {R"(["\ud800"])",
       "1:9: not valid JSON: invalid string: surrogate U+D800..U+DBFF must be followed by "
       "U+DC00..U+DFFF"},
      {R"(["\ud800\u0041"])",
       "1:14: not valid JSON: invalid string: surrogate U+D800..U+DBFF must be followed by "
       "U+DC00..U+DFFF"},
      {R"(["\udc00"])",
       "1:8: not valid JSON: invalid string: surrogate U+DC00..U+DFFF must follow U+D800..U+DBFF"},
      {R"(["\x"])", "1:4: not valid JSON: invalid string: forbidden character after backslash"},
      {R"(["\u12g4"])",
       "1:7: not valid JSON: invalid string: '\\u' must be followed by 4 hex digits"},
      {"\xef\xbb[1]", "1:1: not valid JSON: invalid BOM; must be 0xEF 0xBB 0xBF if given"},
      {"\xff\xfe[", "1:1: not valid JSON: invalid literal"},
  };
  for (const Malformed& malformed : cases) {
    CAPTURE(malformed.text);
    CHECK(problem_of(malformed.text) == malformed.problem);
  }
}

TEST_CASE("nesting is limited, and the limit itself is allowed") {
  const std::string open(kMaxPositionedJsonDepth, '[');
  const std::string close(kMaxPositionedJsonDepth, ']');
  CHECK(problem_of(open + close) == "accepted");
  CHECK(problem_of(open + "[" + close) == "1:65: nested deeper than 64 levels");
  CHECK(problem_of(std::string(kMaxPositionedJsonBytes, '[')) ==
        "1:65: nested deeper than 64 levels");
}

TEST_CASE("the size of the text is limited, and the limit itself is allowed") {
  const std::string text = "[" + std::string(kMaxPositionedJsonBytes - 2, ' ') + "]";
  CHECK(problem_of(text) == "accepted");
  CHECK(problem_of(text + " ") == "1:1: longer than 256 KiB");
}

TEST_CASE("the number of values is limited, and the limit itself is allowed") {
  std::string text = "[0";
  for (std::size_t count = 2; count < kMaxPositionedJsonValues; ++count) {
    text += ",0";
  }
  CHECK(problem_of(text + "]") == "accepted");
  CHECK(problem_of(text + ",0]") == "1:65536: more than 32768 values");
}

TEST_CASE("a document cut at any length is refused inside its text") {
  const std::string text = "[{\"a\": \"\xc3\xa9\\u00e9\", \"b\": [-1.5e3, true, {}]}]";
  for (std::size_t length = 0; length < text.size(); ++length) {
    const auto parsed = parse_positioned_json(std::string_view(text).substr(0, length));
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().position.line == 1);
    CHECK(parsed.error().position.column <= length + 1);
  }
  CHECK(problem_of(text) == "accepted");
}

}  // namespace
}  // namespace postlude
