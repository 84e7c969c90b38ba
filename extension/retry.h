#pragma once

#include "common/clock.h"

namespace postlude::extension {

/// No wait between two attempts is longer.
inline constexpr Millis kLongestBackoff = std::chrono::seconds(10);
/// The environment is not kept for a longer wait: it would be billed for doing nothing.
inline constexpr Millis kLongestHeldWait = std::chrono::seconds(2);

/// The wait after the n-th failed attempt (from 1): exponential with full jitter, a random part of
/// min(backoff * 2^(n-1), kLongestBackoff). `random` is in [0, 1). Pure.
[[nodiscard]] Millis retry_wait(Millis backoff, int failed_attempts, double random);

/// Whether to wait inside this invocation; otherwise the task goes to the next one.
[[nodiscard]] bool worth_holding(Millis wait, Millis time_left);

}  // namespace postlude::extension
