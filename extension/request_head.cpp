#include "extension/request_head.h"

#include "common/http_head.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace postlude::extension {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Besides letters and digits.
constexpr std::string_view kTokenMarks = "!#$%&'*+-.^_`|~";

/// RFC 9110, 5.6.2.
bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    const char low = lower(c);
    return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') ||
           kTokenMarks.find(c) != std::string_view::npos;
  });
}

bool has_control_character(std::string_view value) {
  return std::any_of(value.begin(), value.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

bool has_field(const HttpRequest& request, std::string_view name) {
  return std::any_of(request.fields.begin(), request.fields.end(), [name](const auto& field) {
    return equal_ignoring_case(field.first, name);
  });
}

/// Servers wait for a length where these have no body (RFC 9110, 8.6).
bool expects_body(const std::string& method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

void append_field(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

bool belongs_to_connection(std::string_view field_name) {
  constexpr auto kNames = std::to_array<std::string_view>({
      "host",
      "content-length",
      "transfer-encoding",
      "connection",
      "keep-alive",
      "proxy-connection",
      "trailer",
      "upgrade",
      "expect",
  });
  return std::any_of(kNames.begin(), kNames.end(), [field_name](std::string_view name) {
    return equal_ignoring_case(name, field_name);
  });
}

Result<void> check_request(const HttpRequest& request) {
  if (!is_token(request.method)) {
    return fail("the HTTP method is not a word");
  }
  if (request.method == "CONNECT" || request.method == "TRACE") {
    return fail(fmt::format("HTTP method {} is not supported", request.method));
  }
  for (const auto& [name, value] : request.fields) {
    if (!is_token(name)) {
      return fail("a header's name has characters that no header has");
    }
    if (belongs_to_connection(name)) {
      return fail(fmt::format("header {} cannot be set", name));
    }
    if (has_control_character(value)) {
      return fail(fmt::format("header {} has a line break or another control character", name));
    }
  }
  return {};
}

std::string request_head(const HttpRequest& request) {
  std::string head = fmt::format("{} {} HTTP/1.1\r\n", request.method, request.url.target);
  append_field(head, "Host", request.url.authority());
  for (const auto& [name, value] : request.fields) {
    append_field(head, name, value);
  }
  if (!has_field(request, "Accept")) {
    append_field(head, "Accept", "*/*");
  }
  if (!has_field(request, "User-Agent")) {
    append_field(head, "User-Agent", "postlude/" POSTLUDE_VERSION);
  }
  if (!request.body.empty() || expects_body(request.method)) {
    append_field(head, "Content-Length", std::to_string(request.body.size()));
  }
  return head.append("\r\n");
}

}  // namespace postlude::extension
