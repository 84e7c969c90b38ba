#pragma once

#include "tests/emulator/extension_registry.h"
#include "tests/emulator/refusal.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <variant>

namespace postlude::emulator {

enum class TelemetrySource { platform, function, extension };

/// What an extension asks of the Telemetry API (lambda-protocol.md 3.8).
struct TelemetrySubscription {
  std::set<TelemetrySource> sources;
  std::size_t max_items = 10'000;
  std::size_t max_bytes = std::size_t{256} << 10;
  std::chrono::milliseconds timeout{1000};  ///< a first event waits so long for others
  std::uint16_t port = 0;                   ///< of its listener
  std::string path;                         ///< of its URI, "/" if it has none
};

/// Reads the body of PUT /2022-07-01/telemetry. Only an HTTP listener in the environment itself is
/// a destination; Managed Instances know the newest schema only. Pure.
[[nodiscard]] std::variant<TelemetrySubscription, Refusal> parse_telemetry_subscription(
    const std::string& body, ExtensionRules rules);

/// "platform"
[[nodiscard]] const char* source_name(TelemetrySource source);

}  // namespace postlude::emulator
