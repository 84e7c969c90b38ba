#include "extension/task_document.h"

#include "common/json_text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace postlude::extension {
namespace {

std::string quoted(std::string_view text) {
  return dump_json(nlohmann::json(text));
}

std::string quoted_or_null(std::string_view text) {
  return text.empty() ? "null" : quoted(text);
}

}  // namespace

TaskDocument task_document(const DocumentParts& parts) {
  const TaskRecord& record = parts.record;
  TaskDocument document;
  document.before_event = fmt::format(
      R"({{"id":{},"task":{},"attempt":{},"requestId":{},"functionArn":{},"traceId":{},)"
      R"("tenantId":{},"deadlineMs":{},"event":)",
      quoted(record.id),
      quoted(record.task.name),
      parts.attempt,
      quoted(record.key.request_id),
      quoted_or_null(record.function_arn),
      quoted_or_null(record.trace_id),
      record.tenant_id ? quoted(*record.tenant_id) : "null",
      epoch_ms(parts.work_deadline));
  document.after_event = fmt::format(R"(,"response":{},"error":{},"payload":null,"truncated":{}}})"
                                     "\n",
                                     parts.response,
                                     parts.error,
                                     record.bodies.response_truncated ? R"(["response.body"])"
                                                                      : "null");
  return document;
}

}  // namespace postlude::extension
