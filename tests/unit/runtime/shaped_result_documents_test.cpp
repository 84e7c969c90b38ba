#include "common/base64.h"
#include "runtime/shaped_result.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace postlude::runtime {
namespace {

using Json = nlohmann::json;
using Verdict = ResultReading::Verdict;

// What the same document says through another parser, by other means.

std::optional<std::string> scalar(const Json& value) {
  if (value.is_string()) {
    return value.get<std::string>();
  }
  return value.is_number() || value.is_boolean() ? std::optional(value.dump()) : std::nullopt;
}

std::optional<Json> expected_headers(const Json& given) {
  Json result = Json::object();
  if (!given.is_object()) {
    return std::nullopt;
  }
  for (const auto& [name, value] : given.items()) {
    if (!value.is_null()) {
      const auto text = scalar(value);
      if (!text) {
        return std::nullopt;
      }
      result[name] = *text;
    }
  }
  return result;
}

std::optional<Json> expected_multi(const Json& given) {
  Json result = Json::object();
  if (!given.is_object()) {
    return std::nullopt;
  }
  for (const auto& [name, values] : given.items()) {
    if (values.is_null()) {
      continue;
    }
    result[name] = Json::array();
    for (const auto& value : values) {
      const auto text = scalar(value);
      if (!values.is_array() || (!text && !value.is_null())) {
        return std::nullopt;
      }
      if (text) {
        result[name].push_back(*text);
      }
    }
    if (!values.is_array()) {
      return std::nullopt;
    }
  }
  return result;
}

struct Expected {
  Json prelude = Json::object();
  std::string body;
};

std::optional<int> expected_status(const Json& status) {
  if (!status.is_number_integer() && !status.is_string()) {
    return std::nullopt;
  }
  const std::string text = status.is_string() ? status.get<std::string>() : status.dump();
  const bool digits = text.find_first_not_of("0123456789") == std::string::npos && text.size() == 3;
  const int number = digits ? std::stoi(text) : 0;
  return number >= 100 && number <= 599 ? std::optional(number) : std::nullopt;
}

bool expect_body(const Json& document, Expected& expected) {
  const Json encoded = document.value("isBase64Encoded", Json());
  const Json body = document.value("body", Json());
  if ((!encoded.is_null() && !encoded.is_boolean()) || (!body.is_null() && !body.is_string())) {
    return false;
  }
  expected.body = body.is_null() ? "" : body.get<std::string>();
  if (encoded == true) {
    // The other decoder takes any padding.
    const auto decoded = base64_decode(expected.body);
    const std::size_t symbols = expected.body.find_last_not_of('=') + 1;
    const std::size_t padding = expected.body.size() - symbols;
    const bool padded = padding < 3 && expected.body.size() % 4 == 0;
    if (!decoded || symbols % 4 == 1 || (padding > 0 && !padded)) {
      return false;
    }
    expected.body = *decoded;
  }
  return true;
}

/// Nothing: malformed.
std::optional<Expected> expect_of(const Json& document) {
  Expected expected;
  const auto status = expected_status(document["statusCode"]);
  if (!status || !expect_body(document, expected)) {
    return std::nullopt;
  }
  expected.prelude["statusCode"] = *status;
  const auto put = [&](const char* name, auto read) {
    const Json given = document.value(name, Json());
    if (!given.is_null()) {
      const std::optional<Json> value = read(given);
      expected.prelude[name] = value.value_or(Json());
    }
    return !expected.prelude.contains(name) || !expected.prelude[name].is_null();
  };
  const bool sensible =
      put("headers", expected_headers) && put("multiValueHeaders", expected_multi) &&
      put("cookies", [](const Json& given) -> std::optional<Json> {
        const bool strings = std::all_of(
            given.begin(), given.end(), [](const Json& item) { return item.is_string(); });
        return given.is_array() && strings ? std::optional(given) : std::nullopt;
      });
  return sensible ? std::optional(expected) : std::nullopt;
}

class RandomDocuments {
 public:
  [[nodiscard]] Json document() {
    Json result = Json::object();
    add(result, "statusCode", 95, [&] { return status(); });
    add(result, "headers", 70, [&] { return chance(90) ? headers() : any(1); });
    add(result, "multiValueHeaders", 30, [&] {
      return object([&] { return chance(95) ? array([&] { return any(0); }) : any(1); });
    });
    add(result, "cookies", 40, [&] {
      return array([&] { return chance(97) ? Json(text()) : any(1); });
    });
    add(result, "isBase64Encoded", 60, [&] { return chance(90) ? Json(chance(50)) : any(1); });
    add(result, "body", 80, [&] { return body(); });
    add(result, "junk", 30, [&] { return any(4); });
    return result;
  }
  [[nodiscard]] bool chance(unsigned percent) { return random_() % 100 < percent; }
  [[nodiscard]] int below(unsigned limit) { return static_cast<int>(random_() % limit); }

 private:
  template <class Make>
  void add(Json& object, const char* name, unsigned percent, Make make) {
    if (chance(percent)) {
      object[name] = make();
    }
  }
  template <class Make>
  Json object(Make make) {
    Json result = Json::object();
    for (int i = below(4); i > 0; --i) {
      result[text()] = make();
    }
    return result;
  }
  template <class Make>
  Json array(Make make) {
    Json result = Json::array();
    for (int i = below(4); i > 0; --i) {
      result.push_back(make());
    }
    return result;
  }
  Json status() {
    if (chance(85)) {
      return 100 + below(500);
    }
    return chance(50) ? Json(std::to_string(below(1200))) : any(2);
  }
  Json headers() {
    return object([&] { return chance(95) ? any(0) : any(1); });
  }
  Json body() {
    if (chance(60)) {
      return base64_encode(text());
    }
    return chance(80) ? Json(text()) : any(2);
  }
  Json any(int depth) {
    switch (below(depth > 0 ? 8 : 6)) {
      case 0:
        return nullptr;
      case 1:
        return chance(50);
      case 2:
        return below(1000) - 500;
      case 3:
        return below(1000) / 8.0;
      case 6:
        return object([&] { return any(depth - 1); });
      case 7:
        return array([&] { return any(depth - 1); });
      default:
        return text();
    }
  }
  std::string text() {
    static const std::vector<std::string> kParts = {"a",
                                                    "Z9",
                                                    "\"",
                                                    "\\",
                                                    "/",
                                                    "\n",
                                                    "\x01",
                                                    std::string(1, '\0'),
                                                    "\xc3\xa9",
                                                    "\xe2\x82\xac",
                                                    "\xf0\x9f\x98\x80",
                                                    "{",
                                                    "]"};
    std::string result;
    for (int i = below(12); i > 0; --i) {
      result.append(kParts[random_() % kParts.size()]);
    }
    return result;
  }

  std::mt19937 random_{20'231};
};

std::string body_of(std::string_view text, const ResultReading& reading) {
  BodyDecoder decoder(text.substr(reading.body_at, reading.body_size), reading.form);
  std::string body;
  std::string block(16, '\0');
  while (!decoder.ended()) {
    body.append(block, 0, decoder.read(block));
  }
  return body;
}

TEST_CASE("random documents are read as another parser reads them") {
  RandomDocuments documents;
  int shaped = 0;
  int malformed = 0;
  for (int round = 0; round < 5000; ++round) {
    const Json document = documents.document();
    const std::string text = document.dump(documents.below(4) - 1, ' ', documents.chance(50));
    CAPTURE(text);
    const ResultReading reading = read_result(text);
    if (!document.contains("statusCode")) {
      CHECK(reading.verdict == Verdict::plain);
      continue;
    }
    const auto expected = expect_of(document);
    REQUIRE(reading.verdict == (expected ? Verdict::shaped : Verdict::malformed));
    if (!expected) {
      ++malformed;
      continue;
    }
    ++shaped;
    const std::size_t nuls = reading.prelude.find('\0');
    CHECK(reading.prelude.size() == nuls + 8);
    CHECK(Json::parse(reading.prelude.substr(0, nuls)) == expected->prelude);
    CHECK(body_of(text, reading) == expected->body);
  }
  CHECK(shaped > 1000);
  CHECK(malformed > 500);
}

}  // namespace
}  // namespace postlude::runtime
