#pragma once

#include "common/task.h"
#include "runtime/template_reader.h"

namespace postlude::runtime {

/// The value of a task's "command" (contract.md 4.1): an array of strings, or an object with argv,
/// env and cwd. What is wrong is reported; the result is of use only if nothing was.
[[nodiscard]] CommandAction read_command(const JsonNode& node, const TemplateReader& templates);

}  // namespace postlude::runtime
