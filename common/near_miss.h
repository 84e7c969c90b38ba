#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace postlude {

/// The candidate that `word` is most likely a misspelling of: the smallest number of insertions,
/// deletions, replacements and swaps of neighbours, ignoring case, at most one for every three
/// characters (one for short words). Nothing if none is that near, or if `word` is very long.
[[nodiscard]] std::optional<std::string_view> near_miss(
    std::string_view word, std::span<const std::string_view> candidates);

}  // namespace postlude
