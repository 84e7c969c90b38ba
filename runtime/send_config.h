#pragma once

#include "common/task.h"
#include "runtime/template_reader.h"

#include <optional>
#include <string>

namespace postlude::runtime {

/// The value of a task's "send" (contract.md 4.1). What is wrong is reported; the result is of use
/// only if nothing was. Of an ARN that comes from a template the text alone is checked here.
[[nodiscard]] SendAction read_send(const JsonNode& node, const TemplateReader& templates);

/// The value of a task's "deadLetter": an ARN without templates.
[[nodiscard]] std::optional<std::string> read_dead_letter(const JsonNode& node,
                                                          ProblemList& problems);

}  // namespace postlude::runtime
