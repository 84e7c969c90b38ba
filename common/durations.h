#pragma once

#include "common/clock.h"
#include "common/task_limits.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace postlude {

/// "250ms", "10s", "2m". Nothing for anything else, or outside kMinDuration to kMaxDuration.
[[nodiscard]] std::optional<Millis> parse_duration(std::string_view text);

/// Bytes of "512KiB", "64MiB", "1GiB". Nothing for anything else, zero, or more than 2^62.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);

}  // namespace postlude
