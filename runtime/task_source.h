#pragma once

#include "common/environment.h"
#include "common/error.h"

#include <optional>
#include <string>

namespace postlude::runtime {

/// Where a tasks document came from, and its text.
struct TaskSource {
  std::string name;  ///< "POSTLUDE_TASKS" for inline text, "-" for standard input, else the path
  std::string text;
};

/// POSTLUDE_TASKS: inline where it begins with [ or { (after white space), else a file, relative to
/// LAMBDA_TASK_ROOT. Unset: postlude.json in LAMBDA_TASK_ROOT. Nothing if that does not exist. The
/// message of an error names the variable and the path.
[[nodiscard]] Result<std::optional<TaskSource>> find_task_source(const Environment& environment);

/// For `postlude --check FILE`; "-" reads standard input to its end. At most one byte more than
/// kMaxPositionedJsonBytes is read, so that the parser sees that the limit is passed.
[[nodiscard]] Result<TaskSource> read_task_source(const std::string& path);

}  // namespace postlude::runtime
