#pragma once

#include "common/clock.h"
#include "common/error.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace postlude {

/// The bytes of the Extensions API (lambda-protocol.md 3). Pure.

/// The name under which the internal extension registers. It must match no file in
/// /opt/extensions, or the platform would take us for that one.
inline constexpr std::string_view kInternalName = "postlude-extension";
/// Of the external one: the name of its file in /opt/extensions, or the platform would take it for
/// an internal one and wait for the file's registration for ever (lambda-protocol.md 3.1).
inline constexpr std::string_view kExternalName = "postlude";

/// What an extension is told of. INVOKE makes the platform wait for it in every invocation; only
/// external extensions may have SHUTDOWN (lambda-protocol.md 3.2).
enum class Subscription : std::uint8_t { none, invoke, shutdown, invoke_and_shutdown };

/// `host` is host:port of the platform.
[[nodiscard]] std::string register_request(std::string_view host,
                                           std::string_view name,
                                           Subscription events);

/// The poll. It parks until the next event and must not be repeated while it is parked.
[[nodiscard]] std::string next_event_request(std::string_view host, std::string_view identifier);

struct PlatformEvent {
  enum class Kind { invoke, shutdown } kind = Kind::invoke;
  EpochTime deadline;           ///< of shutdown: then it is killed; the epoch if none was told
  std::string request_id;       ///< of invoke
  std::string shutdown_reason;  ///< as the platform spells it: "SPINDOWN", "timeout", ...
};

/// The body of a poll's answer.
[[nodiscard]] Result<PlatformEvent> parse_event(std::string_view body);

/// The platform knows an internal extension of that name (lambda-protocol.md 3.2).
[[nodiscard]] bool says_name_taken(int status, std::string_view body);

/// "403 Extension.RegistrationClosed: Extension registration closed already"
[[nodiscard]] std::string describe_refusal(int status, std::string_view body);

}  // namespace postlude
