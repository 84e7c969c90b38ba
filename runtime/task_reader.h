#pragma once

#include "common/json_positions.h"
#include "common/task.h"
#include "runtime/problem_list.h"
#include "runtime/task_occasion.h"

namespace postlude::runtime {

/// One element of the tasks array, or an inline task of the local API. What is wrong with it is
/// reported; the result is of use only if nothing was. Uniqueness of names is the caller's to
/// check.
[[nodiscard]] Task read_task(const JsonNode& node, TaskOrigin origin, ProblemList& problems);

}  // namespace postlude::runtime
