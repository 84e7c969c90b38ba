#pragma once

#include "common/clock.h"

#include <optional>
#include <string_view>

namespace postlude::extension {

/// A longer Retry-After counts as this: a task that is carried should not outlast its environment
/// because a peer sent nonsense.
inline constexpr Millis kMostRetryAfter = std::chrono::hours(1);

/// The value of a Retry-After field (RFC 9110, 10.2.3): seconds, or a date in one of the three
/// forms of RFC 9110, 5.6.7. Never negative; nothing if it is neither. Pure.
[[nodiscard]] std::optional<Millis> parse_retry_after(std::string_view value, EpochTime at);

}  // namespace postlude::extension
