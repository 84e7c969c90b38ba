#pragma once

#include "common/clock.h"

#include <algorithm>
#include <atomic>

namespace postlude {

/// The wall clock, as far as it can be trusted between two anchors: it never goes back, and never
/// slower than the time since boot. So a wall clock that is set back makes no deadline later, one
/// that is set forth brings them nearer, and a correction counts from the next anchor on. Of a
/// freeze it is enough that one of the two clocks went on. Pure, for any number of threads.
class AnchoredClock {
 public:
  /// Finer than what is told, or two roundings would make it fast. The wall clock is read first: a
  /// thread that is stopped in between must not take that for a jump.
  using Micros = std::chrono::microseconds;
  struct Reading {
    Micros wall;        ///< since the Unix epoch
    Micros since_boot;  ///< of a clock that nobody sets
  };

  explicit AnchoredClock(const Reading& first) : boot_(boot_of(first)) {}

  /// What the wall clock says now is right, even if it is earlier than what was said before.
  void anchor(const Reading& reading) { boot_.store(boot_of(reading)); }

  [[nodiscard]] EpochTime time(const Reading& reading) {
    const Micros::rep by_wall = boot_of(reading);
    Micros::rep boot = boot_.load();
    while (boot < by_wall && !boot_.compare_exchange_weak(boot, by_wall)) {
    }
    return EpochTime(
        std::chrono::floor<Millis>(Micros(std::max(boot, by_wall)) + reading.since_boot));
  }

 private:
  /// When the machine started, as the wall clock has it.
  [[nodiscard]] static Micros::rep boot_of(const Reading& reading) {
    return (reading.wall - reading.since_boot).count();
  }

  std::atomic<Micros::rep> boot_;
};

}  // namespace postlude
