#include "extension/event_view.h"

#include "common/json_text.h"
#include "extension/form_reader.h"
#include "extension/json_escape.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace postlude::extension {
namespace {

using Json = nlohmann::json;

/// API Gateway takes 10 KB of headers, a load balancer 64 KB; escapes make them longer.
constexpr std::size_t kMaxHeadPartBytes = std::size_t{256} << 10;

enum Part : std::size_t {
  http_method,
  path,
  raw_path,
  context_method,
  load_balancer,
  headers,
  multi_headers,
  cookies,
  raw_query,
  query,
  multi_query,
  base64,
};

/// Parts of one event as trees; null: absent.
class Parts {
 public:
  explicit Parts(const std::vector<JsonValue>& values) : values_(values) {}

  [[nodiscard]] bool has(Part part) const {
    return values_.at(part).state == JsonValue::State::found && values_.at(part).text != "null";
  }
  [[nodiscard]] Json get(Part part) const {
    return has(part) ? parse_json(values_.at(part).text).value_or(Json()) : Json();
  }

 private:
  const std::vector<JsonValue>& values_;
};

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : dump_json(value);
}

std::string joined(const Json& values, std::string_view separator) {
  std::string text;
  for (const Json& value : values) {
    text.append(text.empty() ? "" : separator).append(text_of(value));
  }
  return text;
}

/// Cookies have a separator of their own (RFC 6265, 4.2.1).
std::string_view separator_of(const std::string& header) {
  return header == "cookie" ? "; " : ",";
}

Json headers_of(const Parts& parts) {
  Json out = Json::object();
  const Json single = parts.get(headers);
  for (const auto& [name, value] : single.items()) {
    if (single.is_object() && value.is_primitive() && !value.is_null()) {
      out[lower_case(name)] = text_of(value);
    }
  }
  const Json multi = parts.get(multi_headers);
  for (const auto& [name, values] : multi.items()) {
    if (multi.is_object() && values.is_array() && !values.empty()) {
      const std::string key = lower_case(name);
      out[key] = joined(values, separator_of(key));
    }
  }
  const Json list = parts.get(cookies);
  if (list.is_array() && !list.empty()) {
    out["cookie"] = joined(list, separator_of("cookie"));
  }
  return out;
}

/// Of API Gateway; a Function URL has the second, a load balancer something like the first.
enum class Payload { one, two };

/// A load balancer hands on names and values as they stood in the URL.
enum class QueryEncoding { decoded, percent };

Json query_object(const Parts& parts, QueryEncoding encoding) {
  const auto text = [encoding](const std::string& value) {
    return encoding == QueryEncoding::percent ? decode_form_text(value) : value;
  };
  Json out = Json::object();
  const Json single = parts.get(query);
  for (const auto& [name, value] : single.items()) {
    if (single.is_object() && value.is_primitive() && !value.is_null()) {
      out[text(name)] = text(text_of(value));
    }
  }
  const Json multi = parts.get(multi_query);
  for (const auto& [name, values] : multi.items()) {
    if (!multi.is_object() || !values.is_array() || values.empty()) {
      continue;
    }
    Json list = Json::array();
    for (const Json& value : values) {
      list.push_back(text(text_of(value)));
    }
    out[text(name)] = list.size() == 1 ? list[0] : list;
  }
  return out;
}

std::string query_of(const Parts& parts, Payload payload) {
  if (payload == Payload::two && parts.has(raw_query)) {
    const Json raw = parts.get(raw_query);
    if (raw.is_string()) {
      // Joined with commas the parsed ones cannot be told from values with commas in them.
      const JsonValue form = read_form(raw.get<std::string>());
      return form.state == JsonValue::State::found ? form.text : "{}";
    }
  }
  return dump_json(query_object(
      parts, parts.has(load_balancer) ? QueryEncoding::percent : QueryEncoding::decoded));
}

}  // namespace

std::vector<WantedValue> request_head_parts() {
  std::vector<WantedValue> wanted;
  for (const JsonPath& part : std::vector<JsonPath>{{"httpMethod"},
                                                    {"path"},
                                                    {"rawPath"},
                                                    {"requestContext", "http", "method"},
                                                    {"requestContext", "elb"},
                                                    {"headers"},
                                                    {"multiValueHeaders"},
                                                    {"cookies"},
                                                    {"rawQueryString"},
                                                    {"queryStringParameters"},
                                                    {"multiValueQueryStringParameters"},
                                                    {"isBase64Encoded"}}) {
    wanted.push_back({part, kMaxHeadPartBytes});
  }
  return wanted;
}

std::optional<RequestHead> request_head(const std::vector<JsonValue>& parts_found) {
  const Parts parts(parts_found);
  const Json new_method = parts.get(context_method);
  const Payload payload = new_method.is_string() ? Payload::two : Payload::one;
  const Json method = payload == Payload::two ? new_method : parts.get(http_method);
  const Json target = parts.get(payload == Payload::two ? raw_path : path);
  if (!method.is_string() || !target.is_string()) {
    return std::nullopt;
  }
  const Json fields = headers_of(parts);
  const auto type = fields.find("content-type");
  RequestHead head;
  head.method = dump_json(method);
  head.path = dump_json(target);
  head.query = query_of(parts, payload);
  head.headers = dump_json(fields);
  head.body_format = body_format(type == fields.end() ? "" : type->get<std::string>());
  head.body_encoding = parts.get(base64) == true ? BodyEncoding::base64 : BodyEncoding::plain;
  return head;
}

JsonPath request_body_path() {
  return {"body"};
}

}  // namespace postlude::extension
