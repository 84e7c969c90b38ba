#include "runtime/json_walk.h"

#include "common/json_text.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <random>
#include <string>
#include <vector>

namespace postlude::runtime {
namespace {

bool is_container(std::string_view text) {
  JsonWalk walk(text);
  while (walk.next()) {
  }
  return walk.closed_at_end();
}

TEST_CASE("a walk yields the members of an object as they stand in the text") {
  JsonWalk walk(R"( { "a" : [1, {"b": 2}] ,"a":"\"", "\u0063" : null } )");
  CHECK(walk.over_object());
  auto member = walk.next();
  REQUIRE(member);
  CHECK(member->key == "\"a\"");
  CHECK(member->value.kind == JsonKind::array);
  CHECK(member->value.text == "[1, {\"b\": 2}]");
  member = walk.next();
  REQUIRE(member);
  CHECK(member->value.kind == JsonKind::string);
  CHECK(member->value.text == "\"\\\"\"");
  member = walk.next();
  REQUIRE(member);
  CHECK(member->key == "\"\\u0063\"");
  CHECK(member->value.kind == JsonKind::null);
  CHECK_FALSE(walk.next());
  CHECK(walk.closed_at_end());
}

TEST_CASE("a walk yields the items of an array") {
  JsonWalk walk("[true,-0.5e+3,{},[]]x");
  CHECK_FALSE(walk.over_object());
  std::vector<JsonKind> kinds;
  while (const auto item = walk.next()) {
    CHECK(item->key.empty());
    kinds.push_back(item->value.kind);
  }
  CHECK(kinds ==
        std::vector{JsonKind::boolean, JsonKind::number, JsonKind::object, JsonKind::array});
  CHECK(walk.closed());
  CHECK_FALSE(walk.closed_at_end());
  CHECK(walk.position() == 20);
}

TEST_CASE("what is no JSON object or array is found out") {
  for (const std::string_view text : {"",
                                      "1",
                                      "\"{}\"",
                                      "{",
                                      "{]",
                                      "[}",
                                      "{,}",
                                      "[,]",
                                      "[1,]",
                                      "{\"a\":1,}",
                                      "[1 2]",
                                      "{\"a\" 1}",
                                      "{a:1}",
                                      "{'a':1}",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{1:2}",
                                      "[01]",
                                      "[+1]",
                                      "[.5]",
                                      "[1.]",
                                      "[1e]",
                                      "[-]",
                                      "[1e+]",
                                      "[tru]",
                                      "[nul]",
                                      "[True]",
                                      "[NaN]",
                                      "[\"]",
                                      R"(["\x"])",
                                      R"(["\u12"])",
                                      R"(["\u12g4"])",
                                      R"(["\)",
                                      "[\"a\nb\"]",
                                      "[\"\t\"]",
                                      "[1]]",
                                      "[\"\xff\"]",
                                      "[\"\xc3\"]",
                                      "[\"\xc0\x80\"]",
                                      "[\"\xed\xa0\x80\"]",
                                      "[\"\xf4\x90\x80\x80\"]",
                                      "[\"\xe0\x80\x80\"]",
                                      "[\"\xf0\x80\x80\x80\"]",
                                      "[\"\xe2\x82\"]",
                                      "\xef\xbb\xbf{}"}) {
    CAPTURE(text);
    CHECK_FALSE(is_container(text));
  }
}

TEST_CASE("characters of every length are UTF-8") {
  for (const std::string_view text : {"[\"\x7f\"]",
                                      "[\"\xc2\x80\"]",
                                      "[\"\xdf\xbf\"]",
                                      "[\"\xe0\xa0\x80\"]",
                                      "[\"\xed\x9f\xbf\"]",
                                      "[\"\xee\x80\x80\"]",
                                      "[\"\xef\xbf\xbf\"]",
                                      "[\"\xf0\x90\x80\x80\"]",
                                      "[\"\xf4\x8f\xbf\xbf\"]"}) {
    CAPTURE(text);
    CHECK(is_container(text));
    CHECK(nlohmann::json::accept(text));
  }
}

TEST_CASE("nesting is taken up to the depth of every other reader of ours") {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[').append(std::string(depth, ']'));
  };
  CHECK(is_container(nested(kMaxJsonDepth)));
  CHECK_FALSE(is_container(nested(kMaxJsonDepth + 1)));
  CHECK_FALSE(is_container(std::string(3'000'000, '[')));
}

TEST_CASE("text cut or changed anywhere is judged as the other parser judges it") {
  const std::string whole = R"({"a":[10,true,false,null,"\u00e9\n\"\\\/ )"
                            "\xc3\xa9\xf0\x9f\x98\x80"
                            R"(",-2.5e3],"":{"b":{}},"c":"x"})";
  REQUIRE(is_container(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CHECK_FALSE(is_container(whole.substr(0, size)));
  }
  std::mt19937 random(7);
  const std::string_view bytes = "{}[]\",:\\u0eE-+.19tfn \n\x01\x7f\x80\xc3\xa9\xf0";
  int valid = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string changed = whole;
    const int changes = 1 + static_cast<int>(random() % 3);
    for (int i = 0; i < changes; ++i) {
      changed[random() % changed.size()] = bytes[random() % bytes.size()];
    }
    const bool accepted = nlohmann::json::accept(changed) && changed[0] == '{';
    if (accepted != is_container(changed)) {
      CAPTURE(changed);
      CHECK(accepted == is_container(changed));
    }
    valid += accepted ? 1 : 0;
  }
  CHECK(valid > 1000);
}

}  // namespace
}  // namespace postlude::runtime
