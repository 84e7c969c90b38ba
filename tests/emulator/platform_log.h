#pragma once

#include "tests/emulator/extension_registry.h"
#include "tests/emulator/log_collector.h"
#include "tests/emulator/log_lines.h"
#include "tests/emulator/telemetry.h"

#include <chrono>
#include <string>

namespace postlude::emulator {

enum class LogFormat { text, json };

/// The platform's records in the log of one environment, in the format of the function's logs
/// (lambda-protocol.md 6.4), and for those who subscribed to them. Thread-safe; each function
/// returns what it wrote to the log, with line feeds.
class PlatformLog {
 public:
  struct Places {
    LogCollector& log;
    Telemetry& telemetry;
    LogFormat format = LogFormat::text;
  };
  explicit PlatformLog(const Places& to) : to_(to) {}

  std::string init_start(const InitStart& start);
  std::string extension(const Extension& extension);
  std::string init_report(const InitReport& report);
  std::string restore_report(const RestoreReport& report);
  std::string start(const std::string& request_id);
  /// In JSON only; in text END stands for it, with the report.
  std::string runtime_done(const ExecutionReport& report);
  /// END and REPORT.
  std::string report(const ExecutionReport& report);
  /// In text only; a JSON report says it itself.
  std::string timed_out(const std::string& request_id, std::chrono::milliseconds timeout);
  std::string failed(const std::string& request_id,
                     const std::string& error_type,
                     const std::string& message);
  std::string line(const std::string& text);

  // For subscribers only.

  void init_runtime_done(const InitReport& report);
  /// Where the log has none: on demand, after a success.
  void unlogged_init_report(const InitReport& report);
  void restore_start(const InitStart& start);

 private:
  std::string tell(const std::string& record, const std::string& text);
  void publish(const std::string& record);

  const Places to_;
};

}  // namespace postlude::emulator
