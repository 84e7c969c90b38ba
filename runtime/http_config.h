#pragma once

#include "common/task.h"
#include "runtime/template_reader.h"

namespace postlude::runtime {

/// The value of a task's "http" (contract.md 4.1). What is wrong is reported; the result is of use
/// only if nothing was.
[[nodiscard]] HttpAction read_http(const JsonNode& node, const TemplateReader& templates);

}  // namespace postlude::runtime
