#pragma once

#include "common/json_positions.h"
#include "runtime/problem_list.h"

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace postlude::runtime {

/// Index of the one of `words` that the string is; another one is reported with a guess, or else
/// with all of them.
[[nodiscard]] std::optional<std::size_t> read_word(const JsonNode& node,
                                                   std::string_view label,
                                                   std::span<const std::string_view> words,
                                                   ProblemList& problems);

}  // namespace postlude::runtime
