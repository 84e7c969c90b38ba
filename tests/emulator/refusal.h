#pragma once

#include <string>

namespace postlude::emulator {

/// A request the platform turns down: one of the rows of lambda-protocol.md 1.7 and 3.2.
struct Refusal {
  int status = 403;
  std::string error_type;
  std::string message;
};

/// `{"errorMessage":...,"errorType":...}` and a line feed, as the platform writes it.
[[nodiscard]] std::string refusal_body(const Refusal& refusal);

/// A whole JSON string literal with quotes. Bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string json_quoted(const std::string& text);

[[nodiscard]] Refusal invalid_request_id();
[[nodiscard]] Refusal invalid_response_mode();
[[nodiscard]] Refusal truncated_request();
[[nodiscard]] Refusal invoke_timeout();
[[nodiscard]] Refusal payload_too_large();
[[nodiscard]] Refusal internal_server_error();
[[nodiscard]] Refusal telemetry_closed();
/// `who` is "runtime" or "extension NAME"; it decides the error type as well.
[[nodiscard]] Refusal runtime_transition(const std::string& from, const std::string& to);
[[nodiscard]] Refusal extension_transition(const std::string& from,
                                           const std::string& to,
                                           const std::string& name);

}  // namespace postlude::emulator
