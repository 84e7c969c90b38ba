#pragma once

#include "tests/emulator/extension_registry.h"
#include "tests/emulator/log_collector.h"
#include "tests/emulator/log_lines.h"

#include <chrono>
#include <string>

namespace postlude::emulator {

enum class LogFormat { text, json };

/// The platform's records in the log of one environment, in the format of the function's logs
/// (lambda-protocol.md 6.4). Thread-safe; each function returns what it wrote, with line feeds.
class PlatformLog {
 public:
  PlatformLog(LogCollector& log, LogFormat format) : log_(log), format_(format) {}

  std::string init_start(const InitStart& start);
  std::string extension(const Extension& extension);
  std::string init_report(const InitReport& report);
  std::string restore_report(const RestoreReport& report);
  std::string start(const std::string& request_id);
  /// END and REPORT.
  std::string report(const ExecutionReport& report);
  /// In text only; a JSON report says it itself.
  std::string timed_out(const std::string& request_id, std::chrono::milliseconds timeout);
  std::string failed(const std::string& request_id,
                     const std::string& error_type,
                     const std::string& message);
  std::string line(const std::string& text);

 private:
  LogCollector& log_;
  const LogFormat format_;
};

}  // namespace postlude::emulator
