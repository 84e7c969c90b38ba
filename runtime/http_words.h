#pragma once

#include "common/json_positions.h"
#include "runtime/problem_list.h"

#include <optional>
#include <string>

namespace postlude::runtime {

/// GET, POST, PUT, PATCH, DELETE, HEAD or OPTIONS, in capitals as HTTP has them; anything else is
/// reported, with a guess. No template.
[[nodiscard]] std::optional<std::string> read_method(const JsonNode& node, ProblemList& problems);

}  // namespace postlude::runtime
