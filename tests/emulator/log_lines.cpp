#include "tests/emulator/log_lines.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cmath>

namespace postlude::emulator {

std::string iso_time(std::chrono::system_clock::time_point time) {
  const auto millis =
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
  constexpr int kPerSecond = 1000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::time_t{millis / kPerSecond}),
                     millis % kPerSecond);
}

std::string init_start_line(const InitStart& start) {
  return fmt::format(
      "INIT_START Runtime Version: {}\tRuntime Version ARN: arn:aws:lambda:{}::runtime:{:064x}",
      start.runtime_version,
      start.region,
      std::hash<std::string>{}(start.runtime_version));
}

std::string extension_line(const Extension& extension) {
  return fmt::format("EXTENSION\tName: {}\tState: {}\tEvents: {}",
                     extension.name,
                     phase_text(extension.phase),
                     subscription_text(extension.events));
}

std::string start_line(const std::string& request_id) {
  return fmt::format("START RequestId: {} Version: $LATEST", request_id);
}

std::string end_line(const std::string& request_id) {
  return fmt::format("END RequestId: {}", request_id);
}

std::string init_report_line(const InitReport& report) {
  std::string line = fmt::format("INIT_REPORT Init Duration: {:.2f} ms\tPhase: {}",
                                 report.duration.count(),
                                 report.phase == InitPhase::init ? "init" : "invoke");
  if (!report.status.empty()) {
    line += "\tStatus: " + report.status;
  }
  if (!report.error_type.empty()) {
    line += "\tError Type: " + report.error_type;
  }
  return line;
}

std::string restore_report_line(const RestoreReport& report) {
  const std::string line =
      fmt::format("RESTORE_REPORT Restore Duration: {:.2f} ms", report.duration.count());
  return report.status.empty() ? line : line + "\tStatus: " + report.status;
}

std::string report_line(const ExecutionReport& report) {
  std::string line = fmt::format(
      "REPORT RequestId: {}\tDuration: {:.2f} ms\tBilled Duration: {} ms\tMemory Size: {} MB\tMax "
      "Memory Used: {} MB\t",
      report.request_id,
      report.duration.count(),
      static_cast<long long>(std::ceil(report.duration.count())),
      report.memory_size_mb,
      report.memory_used_mb);
  if (report.init_duration) {
    line += fmt::format("Init Duration: {:.2f} ms\t", report.init_duration->count());
  }
  if (report.restore_duration) {
    line += fmt::format("Restore Duration: {:.2f} ms\t", report.restore_duration->count());
  }
  if (!report.status.empty()) {
    line += "Status: " + report.status;
    line += report.error_type.empty() ? "" : "\tError Type: " + report.error_type;
  }
  return line;
}

std::string timeout_line(std::chrono::system_clock::time_point now,
                         const std::string& request_id,
                         std::chrono::milliseconds timeout) {
  return fmt::format("{} {} {}", iso_time(now), request_id, timeout_text(timeout));
}

std::string timeout_text(std::chrono::milliseconds timeout) {
  return fmt::format("Task timed out after {:.2f} seconds",
                     std::chrono::duration<double>(timeout).count());
}

}  // namespace postlude::emulator
