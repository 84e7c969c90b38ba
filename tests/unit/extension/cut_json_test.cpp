#include "extension/cut_json.h"

#include "common/json_text.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>

namespace postlude::extension {

TEST_CASE("a whole document stays as it is") {
  for (const std::string text : {R"({"a":[1,{"b":"c"}],"d":null})", R"([])", R"("text")"}) {
    CHECK(complete_cut_json(text) == text);
  }
}

TEST_CASE("a cut string value keeps its prefix") {
  CHECK(complete_cut_json(R"({"statusCode":200,"body":"abc)") ==
        R"({"statusCode":200,"body":"abc"})");
  CHECK(complete_cut_json(R"(["one","tw)") == R"(["one","tw"])");
  CHECK(complete_cut_json(R"("tex)") == R"("tex")");
}

TEST_CASE("half an escape, half a surrogate pair and half a character are left out") {
  for (const char* cut : {R"(["a\)",
                          R"(["a\u)",
                          R"(["a\u00e)",
                          R"(["a\ud83d)",
                          R"(["a\ud83d\)",
                          R"(["a\ud83d\ude0)",
                          "[\"a\xc3",
                          "[\"a\xf0\x9f\x98"}) {
    CAPTURE(cut);
    CHECK(complete_cut_json(cut) == R"(["a"])");
  }
}

TEST_CASE("a member that is not complete is left out, whatever part of it is there") {
  for (const char* cut : {R"({"a":1,"b)",
                          R"({"a":1,"b")",
                          R"({"a":1,"b":)",
                          R"({"a":1,"b":12)",
                          R"({"a":1,"b":tr)",
                          R"({"a":1,)"}) {
    CAPTURE(cut);
    CHECK(complete_cut_json(cut) == R"({"a":1})");
  }
}

TEST_CASE("a document cut at any byte becomes valid JSON, and keeps every member that was whole") {
  const std::string text =
      R"({"statusCode":200,"headers":{"A":"x\"y","b":["\ud83d\ude00",-1.5e3,true]},"n":null,)"
      "\"body\":\"caf\xc3\xa9 \\u20ac [}{,:\\\\\"}";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    CAPTURE(size);
    const auto parsed = parse_json(complete_cut_json(text.substr(0, size)));
    REQUIRE(parsed);
    CHECK(parsed->contains("statusCode") ==
          (size > std::string_view(R"({"statusCode":200)").size()));
  }
}

TEST_CASE("what never was JSON does not become it") {
  CHECK_FALSE(parse_json(complete_cut_json("hello")));
  CHECK_FALSE(parse_json(complete_cut_json("{nonsense")).value_or("").is_string());
  CHECK_FALSE(parse_json(complete_cut_json("")));
}

TEST_CASE("absurd nesting ends early") {
  const std::string deep(200'000, '[');
  CHECK_FALSE(parse_json(complete_cut_json(deep)));
}

}  // namespace postlude::extension
