#pragma once

#include "common/clock.h"

#include <optional>
#include <string>
#include <string_view>

namespace postlude {

enum class LogLevel { debug, info, warn, error };

/// "DEBUG", "INFO", "WARN", "ERROR": as Lambda's own JSON logs write them.
[[nodiscard]] std::string_view level_name(LogLevel level);

/// A write of at most this many bytes to a pipe is never torn apart by another writer (PIPE_BUF).
inline constexpr std::size_t kMaxLogLineBytes = 4096;

/// What a line is about. Never payloads, headers or credentials.
struct LogSubject {
  std::string_view request_id = {};
  std::string_view task = {};
};

/// Writes our own log lines: one JSON object a line, one write a line (contract.md 7). A message
/// that would make the line longer than kMaxLogLineBytes is cut. Failures to write are ignored:
/// there is nowhere left to report them. Copyable; safe from any thread.
class Log {
 public:
  Log(int fd, LogLevel threshold) : fd_(fd), threshold_(threshold) {}

  void debug(std::string_view message, LogSubject subject = {}) const {
    line(LogLevel::debug, message, subject);
  }
  void info(std::string_view message, LogSubject subject = {}) const {
    line(LogLevel::info, message, subject);
  }
  void warn(std::string_view message, LogSubject subject = {}) const {
    line(LogLevel::warn, message, subject);
  }
  void error(std::string_view message, LogSubject subject = {}) const {
    line(LogLevel::error, message, subject);
  }

  /// Writes a ready line (receipts), whatever the level. `line` holds no line feed.
  void raw(std::string_view line) const;

 private:
  void line(LogLevel level, std::string_view message, LogSubject subject) const;

  int fd_;
  LogLevel threshold_;
};

/// "2026-01-02T03:04:05.678Z"
[[nodiscard]] std::string iso_timestamp(EpochTime time);

}  // namespace postlude
