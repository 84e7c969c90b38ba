#include "common/spool_format.h"

#include "common/json_text.h"
#include "common/task_json.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <charconv>

namespace postlude {
namespace {

constexpr std::string_view kRecordSuffix = ".task";

template <class Number>
bool take_number(std::string_view& text, char terminator, Number& value) {
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc{} || parsed.ptr == end || *parsed.ptr != terminator) {
    return false;
  }
  text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()) + 1);
  return true;
}

}  // namespace

std::string format_record_name(const RecordName& name) {
  return fmt::format(
      "{:010}-{}-{}{}", name.number, name.attempts, name.interruptions, kRecordSuffix);
}

std::optional<RecordName> parse_record_name(std::string_view file) {
  if (!file.ends_with(kRecordSuffix)) {
    return std::nullopt;
  }
  RecordName name;
  std::string_view rest = file;
  if (!take_number(rest, '-', name.number) || !take_number(rest, '-', name.attempts) ||
      !take_number(rest, '.', name.interruptions)) {
    return std::nullopt;
  }
  const bool valid = name.attempts >= 0 && name.interruptions >= 0;
  return valid && format_record_name(name) == file ? std::optional(name) : std::nullopt;
}

std::string encode_record(const TaskRecord& record) {
  nlohmann::json object = {
      {"id", record.id},
      {"requestId", record.key.request_id},
      {"sequence", record.key.sequence},
      {"deadlineMs", epoch_ms(record.deadline)},
      {"workDeadlineMs", epoch_ms(record.work_deadline)},
      {"functionArn", record.function_arn},
      {"traceId", record.trace_id},
      {"event", record.bodies.event},
      {"response", record.bodies.response},
      {"error", record.bodies.error},
      {"responseHasPrelude", record.bodies.response_has_prelude},
      {"responseTruncated", record.bodies.response_truncated},
      {"task", task_to_json(record.task)},
  };
  if (record.tenant_id) {
    object["tenantId"] = *record.tenant_id;
  }
  if (!record.cognito_identity.empty()) {
    object["cognitoIdentity"] = record.cognito_identity;
  }
  if (record.depth > 0) {
    object["depth"] = record.depth;
  }
  if (record.payload != "null") {
    object["payload"] = record.payload;
  }
  return dump_json(object);
}

Result<TaskRecord> decode_record(std::string_view text) {
  const auto parsed = parse_json(text);
  if (!parsed) {
    return tl::unexpected(parsed.error());
  }
  // The one place that reads members: nlohmann reports a missing or mistyped one by exception.
  try {
    TaskRecord record;
    record.id = parsed->at("id").get<std::string>();
    record.key = {parsed->at("requestId").get<std::string>(),
                  parsed->at("sequence").get<std::uint64_t>()};
    record.deadline = from_epoch_ms(parsed->at("deadlineMs").get<Millis::rep>());
    record.work_deadline = from_epoch_ms(parsed->at("workDeadlineMs").get<Millis::rep>());
    record.function_arn = parsed->at("functionArn").get<std::string>();
    record.trace_id = parsed->at("traceId").get<std::string>();
    if (parsed->contains("tenantId")) {
      record.tenant_id = parsed->at("tenantId").get<std::string>();
    }
    record.cognito_identity = parsed->value("cognitoIdentity", "");
    record.depth = parsed->value("depth", 0);
    record.bodies = {parsed->at("event").get<std::string>(),
                     parsed->at("response").get<std::string>(),
                     parsed->at("error").get<std::string>(),
                     parsed->at("responseHasPrelude").get<bool>(),
                     parsed->at("responseTruncated").get<bool>()};
    record.payload = parsed->value("payload", "null");
    auto task = task_from_json(parsed->at("task"));
    if (!task) {
      return tl::unexpected(task.error());
    }
    record.task = std::move(*task);
    return record;
  } catch (const nlohmann::json::exception& problem) {
    return fail(fmt::format("spool record: {}", problem.what()));
  }
}

std::string environment_folder(std::string_view log_stream_name) {
  // FNV-1a: stable across builds, which std::hash does not promise.
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : log_stream_name) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  }
  return fmt::format("{:016x}", hash);
}

}  // namespace postlude
