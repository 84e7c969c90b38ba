#pragma once

#include "common/json_positions.h"
#include "runtime/problem_list.h"

#include <optional>
#include <string>
#include <string_view>

namespace postlude::runtime {

/// The text of a string that may hold templates: $${ becomes a literal ${. Not a string, a NUL
/// character, or a template (which this version cannot fill in) is reported as a problem of
/// `label`, and nothing comes back.
[[nodiscard]] std::optional<std::string> read_literal(const JsonNode& node,
                                                      std::string_view label,
                                                      ProblemList& problems);

}  // namespace postlude::runtime
