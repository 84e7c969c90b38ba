#pragma once

#include "common/task.h"
#include "runtime/problems.h"

#include <tl/expected.hpp>

#include <cstddef>
#include <string_view>
#include <vector>

namespace postlude::runtime {

inline constexpr std::size_t kMaxTasks = 256;
/// What a person writes by hand; each task is copied into a record, and a record has its limit.
inline constexpr std::size_t kMaxSerializedTaskBytes = std::size_t{48} << 10;
/// Lines a reader can still use; more are counted in one last line.
inline constexpr std::size_t kMaxTaskProblems = 100;

/// Reads a POSTLUDE_TASKS document (contract.md 4.1): the tasks in their order, or every problem as
/// "SOURCE:LINE:COLUMN: message", sorted by position. Pure; throws nothing.
[[nodiscard]] tl::expected<std::vector<Task>, Problems> parse_tasks(std::string_view source,
                                                                    std::string_view text);

/// The same for `postlude --check`: empty if the tasks are valid.
[[nodiscard]] Problems check_tasks(std::string_view source, std::string_view text);

}  // namespace postlude::runtime
