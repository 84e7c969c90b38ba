#include "runtime/function_api.h"

#include "common/http_head.h"
#include "common/json_text.h"
#include "runtime/exchange.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>

namespace postlude::runtime {
namespace {

std::string message(std::string_view method, std::string_view status, const nlohmann::json& body) {
  const std::string text = dump_json(body) + "\n";
  const std::string length = fmt::format("{}", text.size());
  const std::array<HeaderField, 2> fields = {
      HeaderField{"Content-Type", "application/json"},
      HeaderField{"Content-Length", length},
  };
  const std::string head = write_head(fmt::format("HTTP/1.1 {}", status), fields);
  return method == "HEAD" ? head : head + text;
}

std::string_view health_word(ExtensionState state) {
  switch (state) {
    case ExtensionState::starting:
      return "restarting";
    case ExtensionState::registered:
    case ExtensionState::refused:
      return "running";
    case ExtensionState::unavailable:
      break;
  }
  return "unavailable";
}

std::string answer_to(std::string_view method, std::string_view target, ExtensionState extension) {
  const bool reads = method == "GET" || method == "HEAD";
  if (reads && path_of(target) == "/postlude/v1/health") {
    return message(
        method,
        "200 OK",
        {{"status", "ok"}, {"version", POSTLUDE_VERSION}, {"extension", health_word(extension)}});
  }
  return message(method,
                 "404 Not Found",
                 {{"error",
                   {{"type", "UnknownRoute"},
                    {"message",
                     fmt::format("{} {} is not a route of this version; it has GET "
                                 "/postlude/v1/health",
                                 method,
                                 target)}}}});
}

}  // namespace

LocalAnswer answer_function_call(const HttpHead& request, ExtensionState extension) {
  return {.message = answer_to(request.method(), request.target(), extension),
          .wants_continue = request.has_token("Expect", "100-continue"),
          .closes =
              request.has_token("Connection", "close") ||
              (request.version() == "HTTP/1.0" && !request.has_token("Connection", "keep-alive"))};
}

}  // namespace postlude::runtime
