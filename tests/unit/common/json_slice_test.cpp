#include "common/json_slice.h"

#include "common/json_text.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <random>
#include <string>

using namespace postlude;

namespace {

std::string slices(std::string_view text) {
  const auto members = slice_object(text);
  if (!members) {
    return "refused: " + members.error().message;
  }
  std::string result;
  for (const JsonSlice& member : *members) {
    result.append(member.key).append("=").append(member.value).append(";");
  }
  return result;
}

std::string random_text(std::mt19937& random) {
  static const std::string kParts[] = {
      "a", "\\\"", "\\\\", "{", "]", ",", "\\u00e9", " ", ":", "\\n"};
  std::string text = "\"";
  for (auto left = random() % 5; left > 0; --left) {
    text += kParts[random() % std::size(kParts)];
  }
  return text + "\"";
}

std::string random_value(std::mt19937& random, int depth) {
  switch (random() % (depth > 3 ? 4 : 6)) {
    case 0:
      return random_text(random);
    case 1:
      return std::to_string(static_cast<int>(random() % 2000) - 1000);
    case 2:
      return random() % 2 == 0 ? "null" : "true";
    case 3:
      return "-1.5e+10";
    case 4: {
      std::string list = "[ ";
      for (auto left = random() % 4; left > 0; --left) {
        list += random_value(random, depth + 1) + (left > 1 ? " ,\n" : "");
      }
      return list + "]";
    }
    default: {
      std::string object = "{";
      for (auto left = random() % 4; left > 0; --left) {
        object.append(random_text(random)).append(" : ").append(random_value(random, depth + 1));
        object += left > 1 ? "," : " ";
      }
      return object + "}";
    }
  }
}

}  // namespace

TEST_CASE("members are sliced as they stand, in their order, the doubled ones too") {
  CHECK(slices("{}") == "");
  CHECK(slices(" { } ") == "");
  CHECK(slices(R"({"a":1,"b":[1, {"c":"}"}],"a":"x\"y"})") == R"(a=1;b=[1, {"c":"}"}];a="x\"y";)");
  CHECK(slices(" {\n \"a\" :\ttrue , \"\\u0062\" : -1.50e3\n}\n") == "a=true;b=-1.50e3;");
  CHECK(slices(R"({"":null})") == "=null;");
}

TEST_CASE("what is no object, or no JSON, is refused") {
  CHECK(slices("[1]") == "refused: expected an object");
  CHECK(slices("1") == "refused: expected an object");
  for (const char* text :
       {"", "{", R"({"a")", R"({"a":})", R"({"a":1}x)", R"({"a":1,})", "{'a':1}"}) {
    CAPTURE(text);
    CHECK(slices(text).starts_with("refused: offset "));
  }
  CHECK(slices("{\"a\":\"\xff\"}").starts_with("refused: "));
  CHECK(slices(R"({"a":)" + std::string(300, '[') + std::string(300, ']') + "}")
            .find("nested deeper") != std::string::npos);
}

TEST_CASE("slices are the values, whatever they are made of") {
  std::mt19937 random(11);
  for (int round = 0; round < 2000; ++round) {
    std::string text = "{";
    std::vector<std::pair<std::string, std::string>> wanted;
    for (auto left = random() % 5; left > 0; --left) {
      wanted.emplace_back(random_text(random), random_value(random, 0));
      text.append(" ").append(wanted.back().first).append(":");
      text.append(wanted.back().second).append(left > 1 ? ", " : "\n");
    }
    text += "}";
    CAPTURE(text);
    const auto members = slice_object(text);
    REQUIRE(members);
    REQUIRE(members->size() == wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      CHECK(nlohmann::json(members->at(i).key) == parse_json(wanted[i].first).value());
      CHECK(members->at(i).value == wanted[i].second);
    }
  }
}
