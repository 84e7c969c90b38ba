#include "tests/emulator/platform_log.h"

#include "tests/emulator/json_log_lines.h"

#include <fmt/format.h>

namespace postlude::emulator {

std::string PlatformLog::line(const std::string& text) {
  log_.platform_line(text);
  return text + "\n";
}

std::string PlatformLog::init_start(const InitStart& start) {
  return line(format_ == LogFormat::json ? json_init_start(start) : init_start_line(start));
}

std::string PlatformLog::extension(const Extension& extension) {
  return line(format_ == LogFormat::json ? json_extension(extension) : extension_line(extension));
}

std::string PlatformLog::init_report(const InitReport& report) {
  return line(format_ == LogFormat::json ? json_init_report(report) : init_report_line(report));
}

std::string PlatformLog::restore_report(const RestoreReport& report) {
  return line(format_ == LogFormat::json ? json_restore_report(report)
                                         : restore_report_line(report));
}

std::string PlatformLog::start(const std::string& request_id) {
  return line(format_ == LogFormat::json ? json_start(request_id) : start_line(request_id));
}

std::string PlatformLog::report(const ExecutionReport& report) {
  const bool json = format_ == LogFormat::json;
  std::string written = line(json ? json_runtime_done(report) : end_line(report.request_id));
  written += line(json ? json_report(report) : report_line(report));
  return written;
}

std::string PlatformLog::timed_out(const std::string& request_id,
                                   std::chrono::milliseconds timeout) {
  return format_ == LogFormat::json
             ? std::string()
             : line(timeout_line(std::chrono::system_clock::now(), request_id, timeout));
}

std::string PlatformLog::failed(const std::string& request_id,
                                const std::string& error_type,
                                const std::string& message) {
  if (format_ == LogFormat::json) {
    return {};
  }
  std::string written = line(fmt::format("RequestId: {} Error: {}", request_id, message));
  written += line(error_type);
  return written;
}

}  // namespace postlude::emulator
