#include "extension/json_filter.h"

#include <doctest/doctest.h>

namespace postlude::extension {
namespace {

using State = JsonValue::State;

std::vector<JsonValue> filter_pieces(std::string_view json,
                                     const std::vector<JsonPath>& paths,
                                     std::size_t piece) {
  std::vector<WantedValue> wanted;
  wanted.reserve(paths.size());
  for (const JsonPath& path : paths) {
    wanted.push_back({path});
  }
  JsonFilter filter(wanted);
  for (std::size_t at = 0; at < json.size(); at += piece) {
    filter.add(json.substr(at, piece));
  }
  return filter.finish();
}

/// The text at the path, whatever the size of the pieces; "(missing)" or "(too large)".
std::string value_at(std::string_view json, const JsonPath& path) {
  std::string first;
  for (std::size_t piece = 1; piece <= json.size() + 1; piece += json.size() > 200 ? 97U : 1U) {
    const JsonValue value = filter_pieces(json, {path}, piece).front();
    const std::string text = value.state == State::found     ? value.text
                             : value.state == State::missing ? "(missing)"
                                                             : "(too large)";
    if (piece == 1) {
      first = text;
    }
    CHECK_MESSAGE(text == first, "pieces of ", piece);
  }
  return first;
}

TEST_CASE("a value is taken out as the document has it, in pieces of any size") {
  constexpr std::string_view kJson =
      R"( {"a": {"b": [1, {"c": "x\"]}"}, [ ], -2.50e3]}, "d": true, "e": null, "f": {"a":9}} )";
  CHECK(value_at(kJson, {"a", "b", "0"}) == "1");
  CHECK(value_at(kJson, {"a", "b", "1", "c"}) == R"("x\"]}")");
  CHECK(value_at(kJson, {"a", "b", "1"}) == R"({"c": "x\"]}"})");
  CHECK(value_at(kJson, {"a", "b", "2"}) == "[ ]");
  CHECK(value_at(kJson, {"a", "b", "3"}) == "-2.50e3");
  CHECK(value_at(kJson, {"d"}) == "true");
  CHECK(value_at(kJson, {"e"}) == "null");
  CHECK(value_at(kJson, {}) == kJson.substr(1, kJson.size() - 2));
}

TEST_CASE("what is not there is missing") {
  constexpr std::string_view kJson = R"({"a":{"b":[1,2]},"s":"text","n":5,"empty":[],"o":{}})";
  for (const JsonPath& path : std::vector<JsonPath>{{"b"},
                                                    {"a", "x"},
                                                    {"a", "b", "2"},
                                                    {"a", "b", "-1"},
                                                    {"a", "b", "00"},
                                                    {"a", "b", "01"},
                                                    {"a", "b", "x"},
                                                    {"a", "b", "99999999999999999999999"},
                                                    {"s", "0"},
                                                    {"n", "a"},
                                                    {"empty", "0"},
                                                    {"o", "a"},
                                                    {""},
                                                    {"A"}}) {
    CHECK_MESSAGE(value_at(kJson, path) == "(missing)", path.back());
  }
}

TEST_CASE("keys are compared decoded, and indexes may be keys") {
  CHECK(value_at(R"({"\u0061\n\ud83d\ude00":1})", {"a\n😀"}) == "1");
  CHECK(value_at(R"({"a\"b":1})", {"a\"b"}) == "1");
  CHECK(value_at(R"({"":1})", {""}) == "1");
  CHECK(value_at(R"({"0":"zero"})", {"0"}) == "\"zero\"");
  CHECK(value_at(R"({"ab":1,"a":2,"abc":3})", {"a"}) == "2");
  CHECK(value_at(R"({"\ud83d":1,"a":2})", {"a"}) == "2");
}

TEST_CASE("of duplicate keys the last wins, with all that is in it") {
  CHECK(value_at(R"({"a":1,"a":2})", {"a"}) == "2");
  CHECK(value_at(R"({"a":{"b":1},"a":{"c":2}})", {"a", "b"}) == "(missing)");
  CHECK(value_at(R"({"a":{"b":1},"a":3})", {"a", "b"}) == "(missing)");
  CHECK(value_at(R"({"a":{"b":1,"b":2},"a":{"b":3}})", {"a", "b"}) == "3");
}

TEST_CASE("many paths come out of one pass, also one inside another") {
  const auto values = filter_pieces(
      R"({"a":{"b":[10,20]},"c":"d"})", {{"a"}, {"a", "b", "1"}, {}, {"c"}, {"a"}, {"x"}}, 3);
  REQUIRE(values.size() == 6);
  CHECK(values[0].text == R"({"b":[10,20]})");
  CHECK(values[1].text == "20");
  CHECK(values[2].text == R"({"a":{"b":[10,20]},"c":"d"})");
  CHECK(values[3].text == "\"d\"");
  CHECK(values[4].text == values[0].text);
  CHECK(values[5].state == State::missing);
}

TEST_CASE("a document can be a scalar") {
  CHECK(value_at("42", {}) == "42");
  CHECK(value_at(" \"a\" ", {}) == "\"a\"");
  CHECK(value_at("null", {}) == "null");
  CHECK(value_at("42", {"a"}) == "(missing)");
}

TEST_CASE("a value over its limit is too large, and others are found all the same") {
  const std::string big(kMaxTemplateValueBytes, 'x');
  const std::string json = R"({"a":")" + big + R"(","b":")" + big.substr(2) + R"(","c":1})";
  const auto values = filter_pieces(json, {{"a"}, {"b"}, {"c"}, {}}, 65536);
  CHECK(values[0].state == State::too_large);
  CHECK(values[1].text.size() == kMaxTemplateValueBytes);
  CHECK(values[2].text == "1");
  CHECK(values[3].state == State::too_large);
  const std::string replaced = R"({"a":")" + big + R"(","a":7})";
  CHECK(filter_pieces(replaced, {{"a"}}, 65536)[0].text == "7");
}

TEST_CASE("what is no JSON is missing and breaks nothing") {
  for (const std::string_view garbage : {"",
                                         "{",
                                         "{\"a\"",
                                         R"({"a":)",
                                         R"({"a":"x)",
                                         "{\"a\":{",
                                         "{\"a\":[1,",
                                         "{\"a\":tru}",
                                         R"({"a":1e999})",
                                         R"({"a":"\x"})",
                                         "{\"a\":\"\xff\"}",
                                         "{\"a\":\"\n\"}",
                                         "{\"a\":]}",
                                         "}}}]]],,,",
                                         R"([{]}{"a":1})",
                                         R"(\"\)",
                                         "{a:1}"}) {
    CHECK_MESSAGE(value_at(garbage, {"a"}) == "(missing)", garbage);
  }
}

TEST_CASE("half a surrogate pair is U+FFFD in a value, and breaks nothing beside it") {
  const std::string_view json = R"({"\ud800":1,"a":["x\udc00\ud83d\ude00"],"b":2})";
  CHECK(value_at(json, {"a"}) == R"(["x\ufffd\ud83d\ude00"])");
  CHECK(value_at(json, {"b"}) == "2");
}

TEST_CASE("depth costs nothing outside a value and is bounded inside") {
  const std::string deep = std::string(1000000, '[') + std::string(1000000, ']');
  CHECK(filter_pieces("{\"x\":" + deep + ",\"a\":1}", {{"a"}}, 4096)[0].text == "1");
  CHECK(filter_pieces("{\"a\":" + deep.substr(999000, 2000) + "}", {{"a"}}, 4096)[0].state ==
        State::missing);
}

TEST_CASE("the decoded content of a string is handed on in pieces") {
  for (std::size_t piece = 1; piece < 40; ++piece) {
    std::string text;
    int begins = 0;
    JsonFilter filter({{{"a"}}},
                      {.path = {"body"},
                       .begin =
                           [&] {
                             text.clear();
                             ++begins;
                           },
                       .piece = [&](std::string_view part) { text.append(part); }});
    constexpr std::string_view kJson =
        R"({"body":"old","a":1,"body":"q\"\\\u00e4\ud83d\ude00\n\/end","z":[{"body":"no"}]})";
    for (std::size_t at = 0; at < kJson.size(); at += piece) {
      filter.add(kJson.substr(at, piece));
    }
    CHECK(filter.finish()[0].text == "1");
    CHECK(filter.stream_complete());
    CHECK(begins == 2);
    CHECK(text == "q\"\\ä😀\n/end");
  }
}

TEST_CASE("a streamed string that is cut, broken or replaced by something else is not complete") {
  for (const std::string_view json : {R"({"body":"abc)",
                                      R"({"body":"a\ud83dx"})",
                                      R"({"body":"a\q"})",
                                      R"({"body":"a","body":null})",
                                      R"({"body":5})",
                                      R"({})",
                                      R"({"body":{"body":"a"}})"}) {
    JsonFilter filter(
        {}, {.path = {"body"}, .begin = [] {}, .piece = [](std::string_view /*part*/) {}});
    filter.add(json);
    CHECK_MESSAGE(!filter.stream_complete(), json);
  }
}

}  // namespace
}  // namespace postlude::extension
