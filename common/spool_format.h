#pragma once

#include "common/clock.h"
#include "common/error.h"
#include "common/messages.h"
#include "common/receipt.h"
#include "common/task.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postlude {

/// A generation is one life of the shim. What it numbers (records, invocations) is unique over all
/// generations of an environment, and ascends: the generation stands above the lower 32 bits.
inline constexpr int kNumberBits = 32;
[[nodiscard]] constexpr std::uint64_t numbers_of_generation(std::uint64_t generation) {
  return generation << kNumberBits;
}

/// Where a task is, as far as a process that finds its record has to know.
enum class RecordMark : char {
  waiting = 'q',   ///< no attempt is under way: queued, waiting or carried
  running = 'r',   ///< an attempt is under way
  spilling = 's',  ///< no attempt is left; its dead letter has to take it
  // It has ended so, and no receipt has told it yet:
  done = 'd',
  failed = 'f',
  spilled = 'x',
  expired = 'e',
  dropped = 'p',
};
/// How the task ended; nothing where it has not.
[[nodiscard]] std::optional<TaskState> end_of(RecordMark mark);

/// What changes while a task is worked on stands in the *name* of its record, so that a rename is
/// all it takes to note it: "<generation>-<number>-<attempts>-<interruptions>-<mark>.task". Names
/// sort by acceptance.
struct RecordName {
  std::uint64_t number = 0;  ///< order of acceptance, from numbers_of_generation() on
  int attempts = 0;          ///< started, without the interrupted ones
  int interruptions = 0;
  RecordMark mark = RecordMark::waiting;

  friend bool operator==(const RecordName&, const RecordName&) = default;
};

[[nodiscard]] std::string format_record_name(const RecordName& name);
/// Nothing for any other file.
[[nodiscard]] std::optional<RecordName> parse_record_name(std::string_view file);

/// While it is written, a record has this behind its name.
inline constexpr std::string_view kUnfinishedSuffix = ".new";
/// Of a record that could not be read: it is none any more.
[[nodiscard]] std::string damaged_record_name(const RecordName& name);
/// One of these two.
[[nodiscard]] bool is_record_leftover(std::string_view file);

enum class Body {
  event,
  answer,  ///< the response, or the error that was posted in its place
  error,   ///< where it is not the answer: from trailers, or the runtime's death
};
/// Of a captured body: "<sequence number of the invocation>.event", .answer or .error.
[[nodiscard]] std::string capture_name(std::uint64_t sequence, Body body);
[[nodiscard]] bool is_capture_name(std::string_view file);

/// Captured bodies are files of their own, shared by the tasks of one invocation. A record names
/// them; they are complete before the record exists.
struct CapturedBodies {
  std::string event;     ///< file name; the whole event
  std::string response;  ///< file name, empty without a response
  std::string error;     ///< file name, empty without an error
  /// The response was streamed as an HTTP integration response: prelude, eight NULs, body.
  bool response_has_prelude = false;
  /// Only the first part of the response was kept.
  bool response_truncated = false;
};

/// Everything needed to run a task, also by a later process.
struct TaskRecord {
  std::string id;  ///< "<requestId>/<name>/<n>"
  InvocationKey key;
  EpochTime deadline;       ///< of the invocation that accepted it
  EpochTime work_deadline;  ///< deadline - margin
  std::string function_arn;
  std::string trace_id;
  std::optional<std::string> tenant_id;
  std::string cognito_identity;  ///< JSON text, as the event's head had it; empty: none
  /// How many handler tasks stand between the function's caller and this task.
  int depth = 0;
  CapturedBodies bodies;
  std::string payload = "null";  ///< JSON text; of a deferred task, as the function gave it
  Task task;
  /// task_to_json(task): made once for a task that many records have, and what a record that was
  /// read had. Empty: encode_record makes it.
  std::string definition = {};
};

[[nodiscard]] std::string encode_record(const TaskRecord& record);
[[nodiscard]] Result<TaskRecord> decode_record(std::string_view text);

/// Whose record it is: what a receipt has to know of its task.
struct RecordOwner {
  std::string id;          ///< "<requestId>/<name>/<n>"
  std::string request_id;  ///< of the invocation that accepted it
};
/// Of a text that decode_record() refuses, as far as it begins like a record; nothing else of it is
/// believed.
[[nodiscard]] std::optional<RecordOwner> owner_of_damaged(std::string_view text);
/// "report" of "<requestId>/report/1"; empty for what is no id.
[[nodiscard]] std::string task_name_of(std::string_view id);

/// The folder of one environment below the spool folder: derived from its log stream name, which
/// Lambda makes unique.
[[nodiscard]] std::string environment_folder(std::string_view log_stream_name);

}  // namespace postlude
