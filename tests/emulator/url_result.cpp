#include "tests/emulator/url_result.h"

#include "common/base64.h"
#include "common/http_head.h"
#include "common/json_text.h"

#include <nlohmann/json.hpp>

#include <charconv>
#include <optional>

namespace postlude::emulator {
namespace {

constexpr std::size_t kDelimiterSize = 8;
constexpr int kOk = 200;

std::string text_of(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : dump_json(value);
}

/// The URL's front frames the body itself.
bool framing_field(std::string_view name) {
  return equal_ignoring_case(name, "connection") ||
         equal_ignoring_case(name, "transfer-encoding") ||
         equal_ignoring_case(name, "content-length");
}

std::optional<int> status_of(const nlohmann::json& value) {
  constexpr int kLowest = 100;
  constexpr int kHighest = 599;
  int status = 0;
  if (value.is_number_integer()) {
    status = value.get<int>();
  } else if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    std::from_chars(text.data(), text.data() + text.size(), status);
  }
  return status >= kLowest && status <= kHighest ? std::optional(status) : std::nullopt;
}

void add_header(HttpAnswer& answer, const std::string& name, const nlohmann::json& value) {
  if (equal_ignoring_case(name, "content-type")) {
    answer.content_type = text_of(value);
  } else if (!framing_field(name)) {
    answer.headers.emplace_back(name, text_of(value));
  }
}

/// Status, headers and cookies of a result or prelude; false if they make no sense.
bool read_head(const nlohmann::json& object, HttpAnswer& answer) {
  if (object.contains("statusCode")) {
    const auto status = status_of(object["statusCode"]);
    if (!status) {
      return false;
    }
    answer.status = *status;
  }
  const auto headers = object.value("headers", nlohmann::json::object());
  for (const auto& [name, value] : headers.items()) {
    add_header(answer, name, value);
  }
  const auto multi = object.value("multiValueHeaders", nlohmann::json::object());
  for (const auto& [name, values] : multi.items()) {
    for (const auto& value : values) {
      add_header(answer, name, value);
    }
  }
  const auto cookies = object.value("cookies", nlohmann::json::array());
  for (const auto& cookie : cookies) {
    answer.headers.emplace_back("Set-Cookie", text_of(cookie));
  }
  return true;
}

bool sensible(const nlohmann::json& object) {
  const auto is_or_missing = [&](const char* key, nlohmann::json::value_t type) {
    return !object.contains(key) || object[key].is_null() || object[key].type() == type;
  };
  using Type = nlohmann::json::value_t;
  return object.is_object() && is_or_missing("headers", Type::object) &&
         is_or_missing("multiValueHeaders", Type::object) && is_or_missing("cookies", Type::array);
}

nlohmann::json without_nulls(nlohmann::json object) {
  for (const char* key : {"headers", "multiValueHeaders", "cookies"}) {
    if (object.contains(key) && object[key].is_null()) {
      object.erase(key);
    }
  }
  return object;
}

HttpAnswer interpreted(const nlohmann::json& result) {
  HttpAnswer answer;
  if (!sensible(result) || !read_head(without_nulls(result), answer)) {
    return url_function_error();
  }
  const auto body = result.find("body");
  if (body != result.end() && !body->is_null()) {
    answer.body = text_of(*body);
  }
  if (result.value("isBase64Encoded", nlohmann::json(false)) == true) {
    auto decoded = base64_decode(answer.body);
    if (!decoded) {
      return url_function_error();
    }
    answer.body = std::move(*decoded);
  }
  return answer;
}

}  // namespace

HttpAnswer buffered_url_answer(const WholeResult& result) {
  if (result.failure) {
    return url_function_error();
  }
  const auto parsed = parse_json(result.body);
  HttpAnswer answer;
  if (!parsed) {
    // A stream's prelude cannot be told from its body here; other text is the body.
    if (result.body.find('\0') != std::string::npos) {
      return url_function_error();
    }
    answer.body = result.body;
  } else if (parsed->is_object() && parsed->contains("statusCode")) {
    return interpreted(*parsed);
  } else {
    answer.body = text_of(*parsed);
  }
  return answer;
}

HttpAnswer url_function_error() {
  HttpAnswer answer;
  answer.status = 502;
  answer.content_type = "text/plain";
  answer.body = "Internal Server Error";
  return answer;
}

HttpAnswer url_throttled() {
  HttpAnswer answer;
  answer.status = 429;
  answer.headers.emplace_back("x-amzn-ErrorType", "TooManyRequestsException");
  answer.body = R"({"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User",)"
                R"("message":"Rate Exceeded."})";
  return answer;
}

PreludeParser::State PreludeParser::feed(std::string_view bytes) {
  buffer_.append(bytes);
  const std::string delimiter(kDelimiterSize, '\0');
  const std::size_t end = buffer_.find(delimiter);
  if (end == std::string::npos) {
    return buffer_.size() > kMaxBytes ? State::invalid : State::incomplete;
  }
  const auto parsed = parse_json(std::string_view(buffer_).substr(0, end));
  rest_ = buffer_.substr(end + kDelimiterSize);
  answer_ = HttpAnswer{};
  answer_.status = kOk;
  answer_.content_type = "application/octet-stream";
  if (!parsed || !sensible(*parsed) || !read_head(without_nulls(*parsed), answer_)) {
    return State::invalid;
  }
  return State::complete;
}

bool has_prelude(std::string_view content_type) {
  const std::string_view type = content_type.substr(0, content_type.find_first_of("; "));
  return equal_ignoring_case(type, "application/vnd.awslambda.http-integration-response");
}

}  // namespace postlude::emulator
