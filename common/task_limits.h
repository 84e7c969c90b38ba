#pragma once

#include "common/clock.h"

#include <cstddef>
#include <string_view>

namespace postlude {

/// Of every duration a user writes; no invocation lasts longer than 15 minutes (contract.md 3).
inline constexpr Millis kMinDuration{1};
inline constexpr Millis kMaxDuration = std::chrono::minutes(15);

inline constexpr int kMaxAttempts = 100;
/// Names are part of task ids, spool file names and AWS identifiers made from them.
inline constexpr std::size_t kMaxTaskNameBytes = 63;

/// [a-z0-9][a-z0-9-]{0,62}
[[nodiscard]] bool valid_task_name(std::string_view name);

}  // namespace postlude
