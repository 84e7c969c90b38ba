#pragma once

#include "common/task.h"
#include "runtime/template_reader.h"

namespace postlude::runtime {

/// The value of a task's "handler" (contract.md 4.1): {} or {"event": any}. What is wrong is
/// reported; the result is of use only if nothing was.
[[nodiscard]] HandlerAction read_handler(const JsonNode& node, const TemplateReader& templates);

}  // namespace postlude::runtime
