#include "tests/emulator/url_event.h"

#include "common/base64.h"
#include "common/http_head.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <ctime>

namespace postlude::emulator {
namespace {

using Json = nlohmann::ordered_json;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

void join(Json& object, const std::string& name, const std::string& value) {
  object[name] = object.contains(name) ? object[name].get<std::string>() + "," + value : value;
}

Json headers_of(const UrlRequest& request, const UrlContext& context) {
  Json headers = Json::object();
  for (const auto& [name, value] : request.headers) {
    const std::string key = lower(name);
    if (key != "connection" && key != "transfer-encoding" && !key.starts_with("x-forwarded-") &&
        key != "x-amzn-trace-id") {
      join(headers, key, value);
    }
  }
  headers["x-amzn-trace-id"] = context.trace_id;
  headers["x-amzn-tls-version"] = "TLSv1.3";
  headers["x-amzn-tls-cipher-suite"] = "TLS_AES_128_GCM_SHA256";
  headers["x-forwarded-proto"] = "https";
  headers["x-forwarded-port"] = "443";
  headers["x-forwarded-for"] = context.source_ip;
  return headers;
}

Json query_of(std::string_view query) {
  Json parameters = Json::object();
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    if (!pair.empty()) {
      join(parameters, percent_decoded(pair.substr(0, equals)), percent_decoded(value));
    }
  }
  return parameters;
}

Json cookies_of(const UrlRequest& request) {
  Json cookies = Json::array();
  for (const auto& [name, value] : request.headers) {
    std::string_view rest = lower(name) == "cookie" ? std::string_view(value) : std::string_view();
    while (!rest.empty()) {
      const std::string_view one = rest.substr(0, rest.find(';'));
      rest.remove_prefix(std::min(rest.size(), one.size() + 1));
      rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
      cookies.push_back(one);
    }
  }
  return cookies;
}

std::string first_header(const UrlRequest& request, std::string_view wanted) {
  for (const auto& [name, value] : request.headers) {
    if (equal_ignoring_case(name, wanted)) {
      return value;
    }
  }
  return {};
}

bool text_type(const std::string& content_type) {
  const std::string type = lower(content_type.substr(0, content_type.find_first_of("; ")));
  return type.starts_with("text/") || type == "application/json" ||
         type == "application/javascript" || type == "application/xml" || type.ends_with("+json") ||
         type.ends_with("+xml");
}

bool utf8(const std::string& text) {
  try {
    static_cast<void>(Json(text).dump());
    return true;
  } catch (const Json::type_error&) {
    return false;
  }
}

Json context_of(const UrlRequest& request, const UrlContext& context, const std::string& path) {
  const std::string domain = fmt::format("{}.lambda-url.{}.on.aws", context.api_id, context.region);
  constexpr std::int64_t kPerSecond = 1000;
  return {{"accountId", "anonymous"},
          {"apiId", context.api_id},
          {"domainName", domain},
          {"domainPrefix", context.api_id},
          {"http",
           {{"method", request.method},
            {"path", path},
            {"protocol", "HTTP/1.1"},
            {"sourceIp", context.source_ip},
            {"userAgent", first_header(request, "User-Agent")}}},
          {"requestId", context.request_id},
          {"routeKey", "$default"},
          {"stage", "$default"},
          {"time",
           fmt::format("{:%d/%b/%Y:%H:%M:%S} +0000",
                       fmt::gmtime(std::time_t{context.time_ms / kPerSecond}))},
          {"timeEpoch", context.time_ms}};
}

}  // namespace

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    const char* digits = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      out.push_back(static_cast<char>(byte));
      i += 2;
    } else {
      out.push_back(text[i] == '+' ? ' ' : text[i]);
    }
  }
  return out;
}

std::string url_event(const UrlRequest& request, const UrlContext& context) {
  const std::size_t mark = request.target.find('?');
  const std::string path = request.target.substr(0, mark);
  const std::string query = mark == std::string::npos ? "" : request.target.substr(mark + 1);
  Json event = {
      {"version", "2.0"}, {"routeKey", "$default"}, {"rawPath", path}, {"rawQueryString", query}};
  if (const Json cookies = cookies_of(request); !cookies.empty()) {
    event["cookies"] = cookies;
  }
  event["headers"] = headers_of(request, context);
  if (const Json parameters = query_of(query); !parameters.empty()) {
    event["queryStringParameters"] = parameters;
  }
  event["requestContext"] = context_of(request, context, path);
  const bool plain = text_type(first_header(request, "Content-Type")) && utf8(request.body);
  if (!request.body.empty()) {
    event["body"] = plain ? request.body : base64_encode(request.body);
  }
  event["isBase64Encoded"] = !request.body.empty() && !plain;
  return event.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace postlude::emulator
