#include "extension/match.h"

#include "tests/unit/extension/template_fixture.h"

#include <doctest/doctest.h>

namespace postlude::extension {
namespace {

using testing::TemplateWorld;
using testing::url_event;

bool holds(const std::string& reference, std::vector<std::string> any_of, TemplateWorld& world) {
  return matches({Condition{reference, std::move(any_of)}}, world.sources());
}

TEST_CASE("strings are case-sensitive globs over the text of scalars") {
  TemplateWorld world(R"({"s":"/slack/cmd","n":200,"f":1.50,"t":true,"e":"","q":"a\"b"})");
  CHECK(holds("event.s", {R"("/slack/*")"}, world));
  CHECK(holds("event.s", {R"("*")"}, world));
  CHECK_FALSE(holds("event.s", {R"("/Slack/*")"}, world));
  CHECK_FALSE(holds("event.s", {R"("/slack")"}, world));
  CHECK(holds("event.n", {R"("20*")"}, world));
  CHECK(holds("event.n", {R"("200")"}, world));
  CHECK(holds("event.f", {R"("1.50")"}, world));
  CHECK(holds("event.t", {R"("true")"}, world));
  CHECK(holds("event.e", {R"("")"}, world));
  CHECK(holds("event.e", {R"("*")"}, world));
  CHECK(holds("event.q", {R"("a\"*")"}, world));
}

TEST_CASE("numbers and booleans compare as JSON") {
  TemplateWorld world(R"({"one":1.0,"text":"1","t":true,"big":18446744073709551615,"neg":-0.5})");
  CHECK(holds("event.one", {"1"}, world));
  CHECK(holds("event.one", {"10e-1"}, world));
  CHECK_FALSE(holds("event.text", {"1"}, world));
  CHECK_FALSE(holds("event.t", {"1"}, world));
  CHECK(holds("event.t", {"true"}, world));
  CHECK_FALSE(holds("event.t", {"false"}, world));
  CHECK(holds("event.big", {"18446744073709551615"}, world));
  CHECK_FALSE(holds("event.big", {"18446744073709551614"}, world));
  CHECK(holds("event.neg", {"-0.5"}, world));
}

TEST_CASE("null equals null only, objects and arrays match nothing, missing matches nothing") {
  TemplateWorld world(R"({"z":null,"o":{},"a":[1]})");
  CHECK(holds("event.z", {"null"}, world));
  CHECK_FALSE(holds("event.z", {R"("*")"}, world));
  CHECK_FALSE(holds("event.z", {R"("null")"}, world));
  CHECK_FALSE(holds("event.o", {R"("*")", "null"}, world));
  CHECK_FALSE(holds("event.a", {R"("*")"}, world));
  CHECK_FALSE(holds("event.none", {R"("*")", "null"}, world));
  CHECK_FALSE(holds("request.path", {R"("*")"}, world));
}

TEST_CASE("a list means any of, conditions all of") {
  TemplateWorld world(url_event("application/json", R"("{\"type\":\"order\"}")"));
  world.response =
      R"({"statusCode":202,"headers":{},"cookies":[],"body":"","isBase64Encoded":false})";
  CHECK(holds("response.statusCode", {"200", "202"}, world));
  CHECK_FALSE(holds("response.statusCode", {"200", "201"}, world));
  CHECK_FALSE(holds("response.statusCode", {}, world));
  const Condition path{"request.path", {R"("/a/*")"}};
  const Condition type{"request.body.type", {R"("order")"}};
  const Condition status{"response.statusCode", {"202"}};
  const Condition wrong{"request.method", {R"("GET")"}};
  CHECK(matches({path, type, status}, world.sources()));
  CHECK_FALSE(matches({path, type, status, wrong}, world.sources()));
  CHECK(matches({}, world.sources()));
}

TEST_CASE("a reference that is none, or cannot be read, does not match") {
  TemplateWorld world(R"({"a":1})");
  CHECK_FALSE(holds("evet.a", {"1"}, world));
  CHECK_FALSE(holds("secret['broken']", {R"("*")"}, world));
  TemplateSources sources = world.sources();
  sources.event.bytes += 1;
  CHECK_FALSE(matches({Condition{"event.a", {"1"}}}, sources));
}

TEST_CASE("a star stands for any bytes and everything else for itself") {
  CHECK(glob_matches("", ""));
  CHECK(glob_matches("*", ""));
  CHECK(glob_matches("**", "x"));
  CHECK(glob_matches("a*b*c", "a--b--b-c"));
  CHECK(glob_matches("*ab", "aab"));
  CHECK(glob_matches("a*a", "aa"));
  CHECK(glob_matches("*aab*", "aaab"));
  CHECK(glob_matches("a?[b]\\", "a?[b]\\"));
  CHECK_FALSE(glob_matches("a?", "ab"));
  CHECK_FALSE(glob_matches("", "a"));
  CHECK_FALSE(glob_matches("a*a", "a"));
  CHECK_FALSE(glob_matches("*ab*ab", "ab"));
  CHECK_FALSE(glob_matches("a*b", "ab "));
}

TEST_CASE("globs agree with the plain definition on all short texts") {
  const auto plain = [](const auto& self, std::string_view pattern, std::string_view text) -> bool {
    if (pattern.empty()) {
      return text.empty();
    }
    if (pattern.front() == '*') {
      return self(self, pattern.substr(1), text) ||
             (!text.empty() && self(self, pattern, text.substr(1)));
    }
    return !text.empty() && text.front() == pattern.front() &&
           self(self, pattern.substr(1), text.substr(1));
  };
  const auto words = [](std::string_view letters, std::size_t longest) {
    std::vector<std::string> all{""};
    for (std::size_t i = 0; i < all.size(); ++i) {
      for (const char letter : letters) {
        if (all[i].size() < longest) {
          all.push_back(all[i] + letter);
        }
      }
    }
    return all;
  };
  bool agree = true;
  for (const std::string& pattern : words("ab*", 5)) {
    for (const std::string& text : words("ab", 6)) {
      agree = agree && glob_matches(pattern, text) == plain(plain, pattern, text);
    }
  }
  CHECK(agree);
}

TEST_CASE("a glob that looks for a needle of ten thousand bytes in a megabyte is quick") {
  const std::string text(std::size_t{1} << 20, 'a');
  const std::string needle = "*" + std::string(10000, 'a') + "b*";
  CHECK_FALSE(glob_matches(needle, text));
}

}  // namespace
}  // namespace postlude::extension
