#include "common/spool_format.h"

#include "common/json_slice.h"
#include "common/json_text.h"
#include "common/object_text.h"
#include "common/task_json.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace postlude {
namespace {

constexpr std::string_view kRecordSuffix = ".task";
constexpr std::string_view kDamagedSuffix = ".damaged";
/// In the order of Body.
constexpr std::array<std::string_view, 3> kBodySuffixes = {".event", ".answer", ".error"};
constexpr std::string_view kMarks = "qrsdfxep";
constexpr std::uint64_t kMostInGeneration = (std::uint64_t{1} << kNumberBits) - 1;

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

/// A string of printable characters that need no escape, as ids are.
bool take_plain_member(std::string_view& text, std::string_view before, std::string& value) {
  if (!text.starts_with(before)) {
    return false;
  }
  text.remove_prefix(before.size());
  const std::size_t end = text.find('"');
  const std::string_view found = text.substr(0, end);
  const bool plain = std::all_of(
      found.begin(), found.end(), [](char c) { return c > ' ' && c <= '~' && c != '\\'; });
  if (end == std::string_view::npos || end == 0 || !plain) {
    return false;
  }
  value = found;
  text.remove_prefix(end + 1);
  return true;
}

}  // namespace

std::string format_record_name(const RecordName& name) {
  return fmt::format("{:06}-{:010}-{}-{}-{}{}",
                     name.number >> kNumberBits,
                     name.number & kMostInGeneration,
                     name.attempts,
                     name.interruptions,
                     static_cast<char>(name.mark),
                     kRecordSuffix);
}

std::optional<RecordName> parse_record_name(std::string_view file) {
  if (!file.ends_with(kRecordSuffix)) {
    return std::nullopt;
  }
  std::uint64_t generation = 0;
  RecordName name;
  std::string_view rest = file;
  if (!take_number(rest, '-', generation) || !take_number(rest, '-', name.number) ||
      !take_number(rest, '-', name.attempts) || !take_number(rest, '-', name.interruptions) ||
      kMarks.find(rest.front()) == std::string_view::npos) {
    return std::nullopt;
  }
  const bool valid = generation <= kMostInGeneration && name.number <= kMostInGeneration &&
                     name.attempts >= 0 && name.interruptions >= 0;
  name.number += numbers_of_generation(generation);
  name.mark = static_cast<RecordMark>(rest.front());
  return valid && format_record_name(name) == file ? std::optional(name) : std::nullopt;
}

std::optional<TaskState> end_of(RecordMark mark) {
  switch (mark) {
    case RecordMark::done:
      return TaskState::done;
    case RecordMark::failed:
      return TaskState::failed;
    case RecordMark::spilled:
      return TaskState::spilled;
    case RecordMark::expired:
      return TaskState::expired;
    case RecordMark::dropped:
      return TaskState::dropped;
    case RecordMark::waiting:
    case RecordMark::running:
    case RecordMark::spilling:
      break;
  }
  return std::nullopt;
}

std::string damaged_record_name(const RecordName& name) {
  return format_record_name(name).append(kDamagedSuffix);
}

bool is_record_leftover(std::string_view file) {
  for (const std::string_view suffix : {kUnfinishedSuffix, kDamagedSuffix}) {
    if (file.ends_with(suffix)) {
      return parse_record_name(file.substr(0, file.size() - suffix.size())).has_value();
    }
  }
  return false;
}

std::string capture_name(std::uint64_t sequence, Body body) {
  return fmt::format("{}{}", sequence, kBodySuffixes.at(static_cast<std::size_t>(body)));
}

bool is_capture_name(std::string_view file) {
  std::uint64_t sequence = 0;
  const char* end = file.data() + file.size();
  const auto parsed = std::from_chars(file.data(), end, sequence);
  if (parsed.ec != std::errc{}) {
    return false;
  }
  return std::any_of(kBodySuffixes.begin(), kBodySuffixes.end(), [&](std::string_view suffix) {
    return fmt::format("{}{}", sequence, suffix) == file;
  });
}

std::string encode_record(const TaskRecord& record) {
  ObjectText object;
  object.text("id", record.id)
      .text("requestId", record.key.request_id)
      .json("sequence", std::to_string(record.key.sequence))
      .number("deadlineMs", epoch_ms(record.deadline))
      .number("workDeadlineMs", epoch_ms(record.work_deadline))
      .text("functionArn", record.function_arn)
      .text("traceId", record.trace_id)
      .text("event", record.bodies.event)
      .text("response", record.bodies.response)
      .text("error", record.bodies.error)
      .flag("responseHasPrelude", record.bodies.response_has_prelude)
      .flag("responseTruncated", record.bodies.response_truncated);
  if (record.tenant_id) {
    object.text("tenantId", *record.tenant_id);
  }
  if (!record.cognito_identity.empty()) {
    object.text("cognitoIdentity", record.cognito_identity);
  }
  if (record.depth > 0) {
    object.number("depth", record.depth);
  }
  if (record.payload != "null") {
    object.text("payload", record.payload);
  }
  return object
      .json("task", record.definition.empty() ? task_to_json(record.task) : record.definition)
      .take();
}

Result<TaskRecord> decode_record(std::string_view text) {
  const auto members = slice_object(text);
  if (!members) {
    return tl::unexpected(members.error());
  }
  TaskRecord record;
  ObjectText others;
  for (const JsonSlice& member : *members) {
    if (member.key == "task") {
      record.definition = member.value;
    } else {
      others.json(member.key, member.value);
    }
  }
  const nlohmann::json object =
      parse_json(others.take()).value();  // slice_object checked all of it
  // The one place that reads members: nlohmann reports a missing or mistyped one by exception.
  try {
    record.id = object.at("id").get<std::string>();
    record.key = {object.at("requestId").get<std::string>(),
                  object.at("sequence").get<std::uint64_t>()};
    record.deadline = from_epoch_ms(object.at("deadlineMs").get<Millis::rep>());
    record.work_deadline = from_epoch_ms(object.at("workDeadlineMs").get<Millis::rep>());
    record.function_arn = object.at("functionArn").get<std::string>();
    record.trace_id = object.at("traceId").get<std::string>();
    if (object.contains("tenantId")) {
      record.tenant_id = object.at("tenantId").get<std::string>();
    }
    record.cognito_identity = object.value("cognitoIdentity", "");
    record.depth = object.value("depth", 0);
    record.bodies = {object.at("event").get<std::string>(),
                     object.at("response").get<std::string>(),
                     object.at("error").get<std::string>(),
                     object.at("responseHasPrelude").get<bool>(),
                     object.at("responseTruncated").get<bool>()};
    record.payload = object.value("payload", "null");
  } catch (const nlohmann::json::exception& problem) {
    return fail(fmt::format("spool record: {}", problem.what()));
  }
  if (record.definition.empty()) {
    return fail("spool record: task is missing");
  }
  auto task = task_from_json(record.definition);
  if (!task) {
    return tl::unexpected(std::move(task.error()));
  }
  record.task = std::move(*task);
  return record;
}

std::optional<RecordOwner> owner_of_damaged(std::string_view text) {
  RecordOwner owner;
  if (!take_plain_member(text, R"({"id":")", owner.id) ||
      !take_plain_member(text, R"(,"requestId":")", owner.request_id) ||
      task_name_of(owner.id).empty()) {
    return std::nullopt;
  }
  return owner;
}

std::string task_name_of(std::string_view id) {
  const std::size_t number = id.rfind('/');
  const std::size_t name =
      number == std::string_view::npos || number == 0 ? number : id.rfind('/', number - 1);
  if (name == std::string_view::npos || name == 0 || number + 1 == id.size()) {
    return {};
  }
  return std::string(id.substr(name + 1, number - name - 1));
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
