#pragma once

#include <string_view>

namespace postlude::runtime {

/// What a request of the runtime means to us. The Runtime API is relayed whatever it is; only a few
/// calls are followed (lambda-protocol.md 1.1).
enum class ExchangeKind {
  next,              ///< GET .../invocation/next: the runtime is done with what it had
  restore_next,      ///< GET .../restore/next: closes extension registration like the first next
  response,          ///< POST .../invocation/{id}/response
  invocation_error,  ///< POST .../invocation/{id}/error
  early_response,    ///< POST /postlude/v1/invocations/{id}/response: goes up as a response
  defer,             ///< POST /postlude/v1/invocations/{id}/tasks: read whole and answered here
  inspect,           ///< GET /postlude/v1/invocations/{id}: answered here, when the extension has
  local,             ///< any other /postlude/...: answered here, never sent to the platform
  other,             ///< relayed and not looked at
};

struct Exchange {
  ExchangeKind kind = ExchangeKind::other;
  /// Of answers, deferrals and inspections, as the target has it: those of the function may say
  /// "current".
  std::string_view request_id = {};
};

/// The path of a target: without query string, and without scheme and host of an absolute one.
[[nodiscard]] std::string_view path_of(std::string_view target);

/// Pure. A query string is ignored, an absolute target ("http://host/path") is understood.
[[nodiscard]] Exchange classify(std::string_view method, std::string_view target);

}  // namespace postlude::runtime
