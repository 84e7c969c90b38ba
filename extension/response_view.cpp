#include "extension/response_view.h"

#include "common/base64.h"
#include "common/json_text.h"
#include "extension/cut_json.h"
#include "extension/lone_surrogates.h"
#include "extension/text_encoding.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>

namespace postlude::extension {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kPreludeEnd("\0\0\0\0\0\0\0\0", 8);

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

const Json* find(const Json& object, const char* name) {
  const auto member = object.find(name);
  return member == object.end() || member->is_null() ? nullptr : &*member;
}

/// Header values may be numbers and booleans in practice.
std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : dump_json(value);
}

void add_cookies(Json& cookies, const Json& values) {
  for (const Json& value : values) {
    cookies.push_back(text_of(value));
  }
}

/// "a, b"; cookies cannot be joined and go to their own list.
void merge_multi_value_headers(const Json& multi, Json& headers, Json& cookies) {
  for (const auto& [name, values] : multi.items()) {
    if (!values.is_array() || values.empty()) {
      continue;
    }
    const std::string key = lower_case(name);
    if (key == "set-cookie") {
      add_cookies(cookies, values);
      headers.erase(key);
      continue;
    }
    std::string joined;
    for (const Json& value : values) {
      joined.append(joined.empty() ? "" : ", ").append(text_of(value));
    }
    headers[key] = joined;
  }
}

Json status_of(const Json& result) {
  const Json* status = find(result, "statusCode");
  if (status == nullptr || !status->is_string()) {
    return status == nullptr ? Json() : *status;
  }
  const auto text = status->get<std::string>();
  int number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  return parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size() ? Json(number)
                                                                             : *status;
}

/// Status, headers and cookies in one shape; the body is still to come.
Json http_view(const Json& result) {
  Json headers = Json::object();
  Json cookies = Json::array();
  if (const Json* given = find(result, "headers"); given != nullptr && given->is_object()) {
    for (const auto& [name, value] : given->items()) {
      if (value.is_primitive() && !value.is_null()) {
        headers[lower_case(name)] = text_of(value);
      }
    }
  }
  if (const Json* given = find(result, "cookies"); given != nullptr && given->is_array()) {
    add_cookies(cookies, *given);
  }
  if (const Json* multi = find(result, "multiValueHeaders");
      multi != nullptr && multi->is_object()) {
    merge_multi_value_headers(*multi, headers, cookies);
  }
  return {{"statusCode", status_of(result)},
          {"headers", std::move(headers)},
          {"cookies", std::move(cookies)},
          {"body", nullptr},
          {"isBase64Encoded", false}};
}

void set_body(Json& view, std::string_view bytes) {
  const bool text = is_utf8_text(bytes);
  view["body"] = text ? std::string(bytes) : base64_encode(bytes);
  view["isBase64Encoded"] = !text;
}

std::string streamed_json(std::string_view prelude, std::string_view body) {
  constexpr int kDefaultStatus = 200;  // as the platform fills it in
  const auto parsed = parse_json(without_lone_surrogates(prelude));
  Json view = http_view(parsed && parsed->is_object() ? *parsed : Json::object());
  if (view["statusCode"].is_null()) {
    view["statusCode"] = kDefaultStatus;
  }
  set_body(view, body);
  return dump_json(view);
}

std::string result_json(const Json& result, bool truncated) {
  Json view = http_view(result);
  if (const Json* body = find(result, "body")) {
    view["body"] = *body;
  }
  const Json* encoded = find(result, "isBase64Encoded");
  view["isBase64Encoded"] = encoded != nullptr && *encoded == true;
  if (truncated && view["isBase64Encoded"] == true && view["body"].is_string()) {
    constexpr std::size_t kGroup = 4;  // a prefix that can be decoded
    auto text = view["body"].get<std::string>();
    text.resize(text.size() / kGroup * kGroup);
    view["body"] = std::move(text);
  }
  return dump_json(view);
}

std::string text_json(std::string_view bytes) {
  if (is_utf8_text(bytes)) {
    return dump_json(Json(bytes));
  }
  return dump_json(Json{{"body", base64_encode(bytes)}, {"isBase64Encoded", true}});
}

}  // namespace

std::string response_json(const CapturedResponse& response) {
  const std::string_view bytes = response.bytes;
  const std::size_t prelude_end = bytes.find(kPreludeEnd);
  if (response.has_prelude && prelude_end != std::string_view::npos) {
    const std::string_view body = bytes.substr(prelude_end + kPreludeEnd.size());
    return streamed_json(bytes.substr(0, prelude_end),
                         response.truncated ? without_cut_character(body) : body);
  }
  std::string json = without_lone_surrogates(response.truncated ? complete_cut_json(bytes) : bytes);
  const auto parsed = parse_json(json);
  if (parsed && parsed->is_object() && parsed->contains("statusCode")) {
    return result_json(*parsed, response.truncated);
  }
  if (parsed && (!response.truncated || parsed->is_string())) {
    return json;
  }
  return text_json(response.truncated ? without_cut_character(response.bytes) : response.bytes);
}

std::string error_json(std::string_view posted) {
  std::string json = without_lone_surrogates(posted);
  const auto parsed = parse_json(json);
  if (parsed && parsed->is_object()) {
    return json;
  }
  // A long error, with its stack trace, may have been cut.
  std::string completed = without_lone_surrogates(complete_cut_json(posted));
  const auto first_part = parse_json(completed);
  if (first_part && first_part->is_object() && first_part->contains("errorMessage")) {
    return completed;
  }
  // The type is the one the platform gives an error without a usable one.
  const std::string message =
      parsed && parsed->is_string() ? parsed->get<std::string>() : std::string(posted);
  return dump_json(Json{{"errorType", "Runtime.Unknown"}, {"errorMessage", message}});
}

}  // namespace postlude::extension
