#pragma once

#include "common/clock.h"
#include "common/error.h"

#include <string>
#include <string_view>

namespace postlude {

/// The bytes of the Extensions API (lambda-protocol.md 3). Pure.

/// The name under which the internal extension registers. It must match no file in
/// /opt/extensions, or the platform would take us for that one.
inline constexpr std::string_view kInternalName = "postlude-extension";

/// `host` is host:port of the platform. Asks for INVOKE, the only event an internal extension may
/// have.
[[nodiscard]] std::string register_request(std::string_view host);

/// The poll. It parks until the next event and must not be repeated while it is parked.
[[nodiscard]] std::string next_event_request(std::string_view host, std::string_view identifier);

struct PlatformEvent {
  enum class Kind { invoke, shutdown } kind = Kind::invoke;
  EpochTime deadline;
  std::string request_id;  ///< of invoke
};

/// The body of a poll's answer.
[[nodiscard]] Result<PlatformEvent> parse_event(std::string_view body);

/// "403 Extension.RegistrationClosed: Extension registration closed already"
[[nodiscard]] std::string describe_refusal(int status, std::string_view body);

}  // namespace postlude
