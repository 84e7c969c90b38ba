#include "extension/task_document.h"

#include "common/json_text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace postlude::extension {
namespace {

std::string json_text(std::string_view text) {
  return dump_json(nlohmann::json(text));
}

std::string text_or_null(std::string_view text) {
  return text.empty() ? "null" : json_text(text);
}

}  // namespace

TaskDocument task_document(const DocumentParts& parts) {
  const TaskRecord& record = parts.record;
  TaskDocument document;
  document.before_event = fmt::format(
      R"({{"id":{},"task":{},"attempt":{},"requestId":{},"functionArn":{},"traceId":{},)"
      R"("tenantId":{},"deadlineMs":{},"event":)",
      json_text(record.id),
      json_text(record.task.name),
      parts.attempt,
      json_text(record.key.request_id),
      text_or_null(record.function_arn),
      text_or_null(record.trace_id),
      record.tenant_id ? json_text(*record.tenant_id) : "null",
      epoch_ms(parts.work_deadline));
  document.after_event =
      fmt::format(R"(,"response":{},"error":{},"payload":{},"truncated":{}}})"
                  "\n",
                  parts.response,
                  parts.error,
                  record.payload,
                  record.bodies.response_truncated ? R"(["response.body"])" : "null");
  return document;
}

}  // namespace postlude::extension
