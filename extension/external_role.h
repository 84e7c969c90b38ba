#pragma once

#include "common/clock.h"
#include "common/environment.h"
#include "common/extensions_protocol.h"

#include <string>
#include <string_view>

namespace postlude::extension {

/// Decisions of the external flavour (contract.md 2). Pure.

/// What the platform's own process asks to be told of, decided before anything else of the
/// environment runs.
struct ExternalRole {
  Subscription events = Subscription::invoke_and_shutdown;
  /// Where the platform does not wait for it: why, for the shim that it may yet meet.
  std::string driven_because = {};
};

/// No event at all with POSTLUDE_DISABLED=1, or where AWS_LAMBDA_EXEC_WRAPPER is not set: then a
/// managed runtime starts without the shim, and whatever else may start it (an OS-only runtime's
/// bootstrap, a container's entry point) cannot be seen from here. Both variables are among those
/// that external extensions get (lambda-protocol.md 5). SHUTDOWN alone on Managed Instances, where
/// nobody waits for an extension (1.11).
[[nodiscard]] ExternalRole external_role(const Environment& environment);

/// The budget of external extensions (lambda-protocol.md 4.6), where SHUTDOWN says no time, or one
/// that lies further away.
inline constexpr Millis kShutdownBudget = std::chrono::seconds(2);
/// Of it, for what follows the last spill: killed commands are awaited, the receipt is written, the
/// process ends.
inline constexpr Millis kShutdownReserve{200};

/// Until when deferred work may be at work after that SHUTDOWN.
[[nodiscard]] EpochTime work_until(const PlatformEvent& shutdown, EpochTime now);

/// Whether the environment starts over, with its /tmp, after a SHUTDOWN of that reason: after a
/// timeout or a failure (lambda-protocol.md 3.3, 4.5), in any case and in the emulators' words too.
[[nodiscard]] bool starts_over(std::string_view reason);

}  // namespace postlude::extension
