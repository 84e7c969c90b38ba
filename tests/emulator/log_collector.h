#pragma once

#include "common/unique_fd.h"

#include <chrono>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

namespace postlude::emulator {

/// The log of one environment: what its processes write to standard output and error comes through
/// one pipe and goes on to our standard output, a line at a time and one write a line, between the
/// platform's own lines. Thread "log" reads the pipe; all functions are thread-safe.
class LogCollector {
 public:
  LogCollector();
  ~LogCollector();
  LogCollector(const LogCollector&) = delete;
  LogCollector& operator=(const LogCollector&) = delete;

  /// The end that the environment's processes inherit.
  [[nodiscard]] int write_end() const { return write_end_.get(); }

  /// A line of the platform, without line feed, behind everything the processes had written by now.
  void platform_line(std::string_view line);

  /// Begins to keep the last kLogTailBytes for take_tail().
  void begin_tail();
  [[nodiscard]] std::string take_tail();

 private:
  /// CloudWatch's limit of one log event; a longer line is split.
  static constexpr std::size_t kMaxLineBytes = std::size_t{256} << 10;

  void read_all(const std::stop_token& stop);
  void drain();
  void split_lines(std::string_view bytes);
  void put(std::string_view line);

  UniqueFd read_end_;
  UniqueFd write_end_;
  UniqueFd wake_;
  std::mutex mutex_;
  std::string partial_;
  std::optional<std::string> tail_;
  std::jthread reader_;
};

}  // namespace postlude::emulator
