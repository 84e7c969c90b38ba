#pragma once

#include <chrono>
#include <cstddef>

namespace postlude::emulator {

/// The platform's meter on streamed results: 6 MiB at once, then 2 MiB a second in steps of 125 ms
/// (lambda-protocol.md 1.4). Pure.
class Bandwidth {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Bandwidth(Clock::time_point start) : refilled_(start) {}

  /// How many of `wanted` bytes may go out now; 0: wait kRefill.
  [[nodiscard]] std::size_t take(std::size_t wanted, Clock::time_point now);

  static constexpr std::chrono::milliseconds kRefill{125};

 private:
  static constexpr std::size_t kBurst = std::size_t{6} << 20;
  static constexpr std::size_t kPerRefill = (std::size_t{2} << 20) / 8;

  std::size_t tokens_ = kBurst;
  Clock::time_point refilled_;
};

}  // namespace postlude::emulator
