#pragma once

#include "tests/emulator/telemetry_subscription.h"

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>

namespace postlude::emulator {

/// Events on their way to one subscriber: when a batch of them is due, and what is lost if the
/// subscriber does not take them. Pure: whoever owns it locks it.
class TelemetryBuffer {
 public:
  using Clock = std::chrono::steady_clock;
  /// A subscriber that takes nothing must not fill our memory.
  static constexpr std::size_t kMaxBytes = std::size_t{16} << 20;

  explicit TelemetryBuffer(const TelemetrySubscription& wanted)
      : max_items_(wanted.max_items), max_bytes_(wanted.max_bytes), timeout_(wanted.timeout) {}

  /// `event` is a whole JSON object. Beyond kMaxBytes it is lost, and counted.
  void push(std::string event, Clock::time_point now);
  /// When the next batch goes; nothing if there is no event.
  [[nodiscard]] std::optional<Clock::time_point> due() const;
  /// What is here now waits for nothing any more.
  void hurry() { hurried_ = !events_.empty(); }

  struct Batch {
    std::string body;  ///< a JSON array
    std::size_t events = 0;
  };
  /// At most max_items events and, but for the first one, max_bytes.
  [[nodiscard]] Batch take(Clock::time_point now);

  /// The batch was not taken.
  void lose(const Batch& batch);
  struct Lost {
    std::size_t events = 0;
    std::size_t bytes = 0;
  };
  /// Since the last call.
  [[nodiscard]] Lost take_lost();

 private:
  const std::size_t max_items_;
  const std::size_t max_bytes_;
  const std::chrono::milliseconds timeout_;
  std::deque<std::string> events_;
  std::size_t bytes_ = 0;
  Clock::time_point first_at_;  ///< since when the oldest one waits
  bool hurried_ = false;
  Lost lost_;
};

}  // namespace postlude::emulator
