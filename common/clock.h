#pragma once

#include <chrono>

namespace postlude {

/// Milliseconds since the Unix epoch: the clock of the platform's deadlines, and the only one we
/// decide by. A freeze may come between any two instructions, and sources disagree on whether the
/// monotonic clock goes on during one (lambda-protocol.md 4.4); the wall clock goes on, but may be
/// set at any time.
using Millis = std::chrono::milliseconds;
using EpochTime = std::chrono::time_point<std::chrono::system_clock, Millis>;

/// The wall clock, but it never goes back between two calls of anchor_clock(), and never slower
/// than the time since boot (anchored_clock.h). For any thread. Whoever simulates time replaces
/// clock.cpp, which has nothing else than these two.
[[nodiscard]] EpochTime now();

/// The platform has just named a deadline, by today's wall clock: from here on that one counts,
/// also if it was set back before. A thread with timers calls EventLoop::anchor() instead.
void anchor_clock();

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
