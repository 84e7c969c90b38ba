#pragma once

#include <chrono>

namespace postlude {

/// Milliseconds since the Unix epoch: the clock of the platform's deadlines, and the only one we
/// decide by. A freeze may come between any two instructions, and sources disagree on whether the
/// monotonic clock goes on during one (lambda-protocol.md 4.4); the wall clock always does.
using Millis = std::chrono::milliseconds;
using EpochTime = std::chrono::time_point<std::chrono::system_clock, Millis>;

[[nodiscard]] inline EpochTime now() {
  return std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now());
}

[[nodiscard]] inline EpochTime from_epoch_ms(std::chrono::milliseconds::rep value) {
  return EpochTime(Millis(value));
}

[[nodiscard]] inline std::chrono::milliseconds::rep epoch_ms(EpochTime time) {
  return time.time_since_epoch().count();
}

/// Never negative.
[[nodiscard]] inline Millis remaining(EpochTime deadline, EpochTime at) {
  return deadline > at ? deadline - at : Millis::zero();
}

}  // namespace postlude
