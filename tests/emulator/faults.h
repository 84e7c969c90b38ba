#pragma once

#include "common/unique_fd.h"

#include <array>
#include <cstddef>
#include <mutex>
#include <optional>

namespace postlude::emulator {

/// What a test may order to go wrong at the Runtime API of one environment.
enum class Fault {
  cut_event,             ///< the connection breaks in the middle of an event
  cut_answer,            ///< the connection breaks in the middle of an answer's body
  stale_answer,          ///< an answer is refused as one of an earlier invocation
  hold_acknowledgement,  ///< the 202 to an answer waits for acknowledge()
};
inline constexpr std::size_t kFaults = 4;

/// The faults that were ordered and have not struck yet: each strikes once, at the next occasion.
/// Thread-safe.
class Faults {
 public:
  Faults();

  /// `after_bytes` is of the body, for the two that cut.
  void order(Fault fault, std::size_t after_bytes);
  /// At an occasion: the bytes it was ordered with.
  [[nodiscard]] std::optional<std::size_t> strike(Fault fault);

  /// Lets one held acknowledgement go, the present one or the next.
  void acknowledge();
  /// Blocks until acknowledge(), or until the peer of `connection` is gone.
  void wait_acknowledge(int connection);

 private:
  std::mutex mutex_;
  std::array<std::optional<std::size_t>, kFaults> ordered_;
  UniqueFd acknowledged_;  ///< a semaphore
};

}  // namespace postlude::emulator
