#include "tests/emulator/platform_log.h"

#include "tests/emulator/json_log_lines.h"

#include <fmt/format.h>

namespace postlude::emulator {

std::string PlatformLog::line(const std::string& text) {
  to_.log.platform_line(text);
  return text + "\n";
}

void PlatformLog::publish(const std::string& record) {
  to_.telemetry.publish(TelemetrySource::platform, record);
}

std::string PlatformLog::tell(const std::string& record, const std::string& text) {
  publish(record);
  return line(to_.format == LogFormat::json ? record : text);
}

std::string PlatformLog::init_start(const InitStart& start) {
  return tell(json_init_start(start), init_start_line(start));
}

std::string PlatformLog::extension(const Extension& extension) {
  return tell(json_extension(extension), extension_line(extension));
}

std::string PlatformLog::init_report(const InitReport& report) {
  return tell(json_init_report(report), init_report_line(report));
}

std::string PlatformLog::restore_report(const RestoreReport& report) {
  publish(json_restore_runtime_done(report));
  return tell(json_restore_report(report), restore_report_line(report));
}

std::string PlatformLog::start(const std::string& request_id) {
  return tell(json_start(request_id), start_line(request_id));
}

std::string PlatformLog::runtime_done(const ExecutionReport& report) {
  const std::string record = json_runtime_done(report);
  publish(record);
  return to_.format == LogFormat::json ? line(record) : std::string();
}

std::string PlatformLog::report(const ExecutionReport& report) {
  std::string written =
      to_.format == LogFormat::json ? std::string() : line(end_line(report.request_id));
  written += tell(json_report(report), report_line(report));
  return written;
}

std::string PlatformLog::timed_out(const std::string& request_id,
                                   std::chrono::milliseconds timeout) {
  return to_.format == LogFormat::json
             ? std::string()
             : line(timeout_line(std::chrono::system_clock::now(), request_id, timeout));
}

std::string PlatformLog::failed(const std::string& request_id,
                                const std::string& error_type,
                                const std::string& message) {
  if (to_.format == LogFormat::json) {
    return {};
  }
  std::string written = line(fmt::format("RequestId: {} Error: {}", request_id, message));
  written += line(error_type);
  return written;
}

void PlatformLog::init_runtime_done(const InitReport& report) {
  publish(json_init_runtime_done(report));
}

void PlatformLog::unlogged_init_report(const InitReport& report) {
  publish(json_init_report(report));
}

void PlatformLog::restore_start(const InitStart& start) {
  publish(json_restore_start(start));
}

}  // namespace postlude::emulator
