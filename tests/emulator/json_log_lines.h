#pragma once

#include "tests/emulator/extension_registry.h"
#include "tests/emulator/log_lines.h"
#include "tests/emulator/telemetry_subscription.h"

#include <cstddef>
#include <string>

namespace postlude::emulator {

// The platform's records where the function's log format is JSON, and the events of the Telemetry
// API (lambda-protocol.md 6.4, 3.8): {"time":...,"type":"platform.start","record":{...}}, without
// a line feed.

[[nodiscard]] std::string json_init_start(const InitStart& start);
[[nodiscard]] std::string json_extension(const Extension& extension);
[[nodiscard]] std::string json_init_report(const InitReport& report);
[[nodiscard]] std::string json_restore_start(const InitStart& start);
[[nodiscard]] std::string json_restore_report(const RestoreReport& report);
[[nodiscard]] std::string json_start(const std::string& request_id);
[[nodiscard]] std::string json_runtime_done(const ExecutionReport& report);
[[nodiscard]] std::string json_report(const ExecutionReport& report);

// Of the Telemetry API only.

[[nodiscard]] std::string json_init_runtime_done(const InitReport& report);
[[nodiscard]] std::string json_restore_runtime_done(const RestoreReport& report);
[[nodiscard]] std::string json_telemetry_subscription(const std::string& extension,
                                                      const TelemetrySubscription& wanted);
[[nodiscard]] std::string json_logs_dropped(std::size_t records, std::size_t bytes);
/// A line that the function or an extension wrote.
[[nodiscard]] std::string json_output(TelemetrySource source, const std::string& line);

}  // namespace postlude::emulator
