#include "common/clock.h"

#include "common/anchored_clock.h"

#include <ctime>

namespace postlude {
namespace {

/// Unlike CLOCK_MONOTONIC the second goes on while a machine is suspended. Two calls of the vDSO.
AnchoredClock::Reading read_clocks() {
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  timespec boot = {};
  static_cast<void>(::clock_gettime(CLOCK_BOOTTIME, &boot));
  using Micros = AnchoredClock::Micros;
  return {.wall = std::chrono::duration_cast<Micros>(wall),
          .since_boot = std::chrono::duration_cast<Micros>(std::chrono::seconds(boot.tv_sec) +
                                                           std::chrono::nanoseconds(boot.tv_nsec))};
}

AnchoredClock& process_clock() {
  static AnchoredClock clock(read_clocks());
  return clock;
}

}  // namespace

EpochTime now() {
  return process_clock().time(read_clocks());
}

void anchor_clock() {
  process_clock().anchor(read_clocks());
}

}  // namespace postlude
