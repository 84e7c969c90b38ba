#pragma once

#include "common/task.h"
#include "common/template.h"

#include <optional>
#include <string>

namespace postlude::runtime {

/// Who wrote a task: an inline one of the local API may refer to fewer things (contract.md 5).
enum class TaskOrigin { configuration, request };

/// When a task runs, which decides what its references can find.
struct TaskOccasion {
  TaskOrigin origin = TaskOrigin::configuration;
  Trigger trigger = Trigger::invocation;
  When when = When::success;
};

/// Why this source has no value whenever the task runs by itself, and what to do about it; nothing
/// if it may have one. A function may also defer an invocation's task by its name, so a fallback is
/// no mistake.
[[nodiscard]] std::optional<std::string> why_absent(ReferenceSource source,
                                                    const TaskOccasion& occasion);

/// Why no task of that origin may name this source at all.
[[nodiscard]] std::optional<std::string> why_forbidden(ReferenceSource source,
                                                       const TaskOccasion& occasion);

}  // namespace postlude::runtime
