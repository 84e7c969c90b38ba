#pragma once

#include "common/task.h"
#include "runtime/template_reader.h"

namespace postlude::runtime {

/// The value of a task's "aws" (contract.md 4.1): a call by JSON protocol ("operation"), or REST
/// ("method" and "path"). What is wrong is reported; the result is of use only if nothing was.
[[nodiscard]] AwsAction read_aws(const JsonNode& node, const TemplateReader& templates);

}  // namespace postlude::runtime
