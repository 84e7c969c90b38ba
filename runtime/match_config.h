#pragma once

#include "common/json_positions.h"
#include "common/task.h"
#include "runtime/problem_list.h"
#include "runtime/task_occasion.h"

#include <vector>

namespace postlude::runtime {

/// The value of a task's "match" (contract.md 4.1): references, each with a scalar or a list of
/// them. What is wrong, or could never hold, is reported; the result is of use only if nothing was.
[[nodiscard]] std::vector<Condition> read_match(const JsonNode& node,
                                                const TaskOccasion& occasion,
                                                ProblemList& problems);

}  // namespace postlude::runtime
