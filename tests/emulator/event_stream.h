#pragma once

#include <string>
#include <string_view>

namespace postlude::emulator {

// Messages of application/vnd.amazon.eventstream as InvokeWithResponseStream sends them
// (lambda-protocol.md 6.2). Pure.

/// Payload of one message, so that SDKs take it; their own limit is 24 MiB.
inline constexpr std::size_t kMaxEventPayload = std::size_t{1} << 20;

/// At most kMaxEventPayload bytes.
[[nodiscard]] std::string payload_chunk(std::string_view bytes);

/// How the invocation ended; empty members are left out.
struct InvokeEnd {
  std::string error_code{};
  std::string error_details{};
  std::string log_result{};  ///< base64
};
[[nodiscard]] std::string invoke_complete(const InvokeEnd& end);

}  // namespace postlude::emulator
