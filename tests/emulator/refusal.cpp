#include "tests/emulator/refusal.h"

#include "tests/emulator/limits.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace postlude::emulator {
namespace {

constexpr int kBadRequest = 400;
constexpr int kForbidden = 403;
constexpr int kGone = 410;
constexpr int kTooLarge = 413;

std::string transition(const std::string& from, const std::string& to, const std::string& who) {
  return fmt::format(
      "State transition from {} to {} failed for {}. Error: State transition is not allowed",
      from,
      to,
      who);
}

}  // namespace

std::string json_quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string refusal_body(const Refusal& refusal) {
  return fmt::format("{{\"errorMessage\":{},\"errorType\":{}}}\n",
                     json_quoted(refusal.message),
                     json_quoted(refusal.error_type));
}

Refusal invalid_request_id() {
  return {kBadRequest, "InvalidRequestID", "Invalid request ID"};
}

Refusal invalid_response_mode() {
  return {kBadRequest, "InvalidFunctionResponseMode", "Invalid function response mode"};
}

Refusal truncated_request() {
  return {kBadRequest, "TruncatedHTTPRequest", "HTTP request detected as truncated"};
}

Refusal invoke_timeout() {
  return {kGone, "InvokeTimeout", "Invoke timeout"};
}

Refusal internal_server_error() {
  constexpr int kServerError = 500;
  return {kServerError, "InternalServerError", "Internal Server Error"};
}

Refusal telemetry_closed() {
  return {
      kForbidden, "Telemetry.SubscriptionClosed", "Telemetry API subscription is closed already"};
}

Refusal payload_too_large() {
  return {kTooLarge,
          "RequestEntityTooLarge",
          fmt::format("Exceeded maximum allowed payload size ({} bytes).", kMaxBufferedBytes)};
}

Refusal runtime_transition(const std::string& from, const std::string& to) {
  return {kForbidden, "InvalidStateTransition", transition(from, to, "runtime")};
}

Refusal extension_transition(const std::string& from,
                             const std::string& to,
                             const std::string& name) {
  return {kForbidden, "Extension.InvalidExtensionState", transition(from, to, "extension " + name)};
}

}  // namespace postlude::emulator
