#pragma once

#include "common/unique_fd.h"
#include "tests/emulator/telemetry_subscription.h"

#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

namespace postlude::emulator {

/// The log of one environment: what its processes write to standard output and error comes through
/// two pipes (the function's and the external extensions') and goes on to our standard output, a
/// line at a time and one write a line, between the platform's own lines. Thread "log" reads the
/// pipes; all functions are thread-safe.
class LogCollector {
 public:
  /// Is told of each line of the processes, under a lock: it must be quick.
  using Listener = std::function<void(TelemetrySource, const std::string& line)>;
  explicit LogCollector(Listener listener);
  ~LogCollector();
  LogCollector(const LogCollector&) = delete;
  LogCollector& operator=(const LogCollector&) = delete;

  /// The ends that the environment's processes inherit.
  [[nodiscard]] int function_end() const { return function_.write_end.get(); }
  [[nodiscard]] int extensions_end() const { return extensions_.write_end.get(); }

  /// A line of the platform, without line feed, behind everything the processes had written by now.
  void platform_line(std::string_view line);

  /// Everything the processes had written by now has gone on.
  void catch_up();

  /// Lines that belong to no log: they go to our standard output alone.
  static void aside(std::string_view lines);

  /// Begins to keep the last kLogTailBytes for take_tail().
  void begin_tail();
  [[nodiscard]] std::string take_tail();

 private:
  /// CloudWatch's limit of one log event; a longer line is split.
  static constexpr std::size_t kMaxLineBytes = std::size_t{256} << 10;

  struct Input {
    explicit Input(TelemetrySource writes);
    TelemetrySource source;
    UniqueFd read_end;
    UniqueFd write_end;
    std::string partial;  ///< with its line feed, once it has one
  };

  void read_all(const std::stop_token& stop);
  void drain();
  void drain(Input& input);
  void split_lines(Input& input, std::string_view bytes);
  void put_partial(Input& input);
  void put(std::string_view line);

  const Listener listener_;
  UniqueFd wake_;
  std::mutex mutex_;
  Input function_;
  Input extensions_;
  std::optional<std::string> tail_;
  std::jthread reader_;
};

}  // namespace postlude::emulator
