#include "runtime/task_occasion.h"

namespace postlude::runtime {

std::optional<std::string> why_absent(ReferenceSource source, const TaskOccasion& occasion) {
  if (occasion.trigger == Trigger::demand) {
    return std::nullopt;
  }
  const bool before_answer = occasion.when == When::timeout;
  switch (source) {
    case ReferenceSource::payload:
      return R"(a payload is there only where the function defers the task: set "trigger": "demand")";
    case ReferenceSource::response:
      return before_answer
                 ? std::optional<std::string>(R"(there is no response yet with "when": "timeout")")
                 : std::nullopt;
    case ReferenceSource::error:
      if (before_answer) {
        return R"(there is no error yet with "when": "timeout")";
      }
      if (occasion.when == When::success) {
        return R"(there is no error with "when": "success": set "failure" or "always")";
      }
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

std::optional<std::string> why_forbidden(ReferenceSource source, const TaskOccasion& occasion) {
  if (occasion.origin == TaskOrigin::configuration) {
    return std::nullopt;
  }
  switch (source) {
    case ReferenceSource::event:
    case ReferenceSource::request:
    case ReferenceSource::response:
    case ReferenceSource::error:
      return "a task in a request may refer to payload, context, env, secret and ssm: put the "
             "value "
             "into its payload";
    default:
      return std::nullopt;
  }
}

}  // namespace postlude::runtime
