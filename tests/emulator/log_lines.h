#pragma once

#include "tests/emulator/extension_registry.h"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace postlude::emulator {

using Milliseconds = std::chrono::duration<double, std::milli>;

// The platform's own log lines (lambda-protocol.md 6.4), without a line feed. Pure.

/// "2026-11-22T06:00:00.000Z"
[[nodiscard]] std::string iso_time(std::chrono::system_clock::time_point time);

enum class InitPhase { init, invoke };

struct InitStart {
  std::string runtime_version;
  std::string region;
  std::string function_name;
  std::string init_type;
  InitPhase phase = InitPhase::init;
};
[[nodiscard]] std::string init_start_line(const InitStart& start);
[[nodiscard]] std::string extension_line(const Extension& extension);
[[nodiscard]] std::string start_line(const std::string& request_id);
[[nodiscard]] std::string end_line(const std::string& request_id);

struct InitReport {
  Milliseconds duration{};
  InitPhase phase = InitPhase::init;
  std::string status;      ///< empty, "timeout" or "error"
  std::string error_type;  ///< for "error"
  std::string init_type = {};
};
[[nodiscard]] std::string init_report_line(const InitReport& report);

struct RestoreReport {
  Milliseconds duration{};
  std::string status;  ///< empty, "timeout" or "error"
};
[[nodiscard]] std::string restore_report_line(const RestoreReport& report);

struct ExecutionReport {
  std::string request_id;
  Milliseconds duration{};
  int memory_size_mb = 0;
  int memory_used_mb = 0;
  std::optional<Milliseconds> init_duration;
  std::optional<Milliseconds> restore_duration = std::nullopt;  ///< with SnapStart
  std::string status;                                           ///< empty, "timeout" or "error"
  std::string error_type;                                       ///< for "error"
  std::size_t produced_bytes = 0;                               ///< of the answer
};
[[nodiscard]] std::string report_line(const ExecutionReport& report);

/// "2026-11-22T06:00:00.000Z <id> Task timed out after 3.00 seconds"
[[nodiscard]] std::string timeout_line(std::chrono::system_clock::time_point now,
                                       const std::string& request_id,
                                       std::chrono::milliseconds timeout);

/// "Task timed out after 3.00 seconds"
[[nodiscard]] std::string timeout_text(std::chrono::milliseconds timeout);

}  // namespace postlude::emulator
