#include "common/json_node.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

namespace postlude {
namespace {

JsonNode parse(std::string_view text) {
  auto parsed = parse_positioned_json(text);
  REQUIRE(parsed);
  return std::move(*parsed);
}

std::size_t column_within(std::string_view document, std::size_t offset) {
  const TextPosition position = position_within(parse(document), offset);
  CHECK(position.line == 1);
  return position.column;
}

TEST_CASE("a value is written as compact text with its keys in order and every digit") {
  const JsonNode node = parse(
      "{ \"z\" : [1.50, -0, 12345678901234567890123, 1E+2, true , false,null, {}, [ ]],\n"
      " \"a\": \"\\u00e9\\n\\\"\\\\\\/\", \"z\": 0 }");
  const std::string written = write_json(node);
  CHECK(written ==
        "{\"z\":[1.50,-0,12345678901234567890123,1E+2,true,false,null,{},[]],"
        "\"a\":\"\xc3\xa9\\n\\\"\\\\/\",\"z\":0}");
  CHECK(write_json(parse(written)) == written);
}

TEST_CASE("a place in a string without escapes counts characters from its quote") {
  CHECK(column_within(R"("abc")", 0) == 2);
  CHECK(column_within(R"("abc")", 2) == 4);
  CHECK(column_within(R"("abc")", 3) == 5);
  CHECK(column_within(R"("abc")", 99) == 5);
  CHECK(column_within("\"\xc3\xa9\xf0\x9f\x98\x80x\"", 6) == 4);
}

TEST_CASE("a place behind escapes is the column where it is written") {
  CHECK(column_within(R"("\n\"x")", 2) == 6);
  CHECK(column_within(R"("\n\"x")", 1) == 4);
  CHECK(column_within(R"("\u0041\u00e9\u20ACx")", 1) == 8);
  CHECK(column_within(R"("\u0041\u00e9\u20ACx")", 3) == 14);
  CHECK(column_within(R"("\u0041\u00e9\u20ACx")", 6) == 20);
  CHECK(column_within(R"("\ud83d\uDE00x")", 4) == 14);
  CHECK(column_within(R"("\uD7FFx")", 3) == 8);
  CHECK(column_within(R"("\u007fx")", 1) == 8);
  CHECK(column_within(R"("\u07FFx")", 2) == 8);
  CHECK(column_within("\"\xc3\xa9\\t\xc3\xa9x\"", 5) == 6);
}

TEST_CASE("a place inside one character is that character") {
  CHECK(column_within(R"("\u20ACx")", 1) == 2);
  CHECK(column_within("\"\xe2\x82\xacx\"", 2) == 2);
}

TEST_CASE("the first member of a name is found") {
  const JsonNode node = parse(R"({"a":1,"b":2,"a":3})");
  REQUIRE(find_member(node, "a") != nullptr);
  CHECK(find_member(node, "a")->text == "1");
  CHECK(find_member(node, "c") == nullptr);
}

}  // namespace
}  // namespace postlude
