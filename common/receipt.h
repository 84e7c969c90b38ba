#pragma once

#include "common/clock.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postlude {

/// Where a task stands. The last five are ends: a task has exactly one of them, once.
enum class TaskState {
  queued,
  running,
  waiting,  ///< for its next attempt
  carried,  ///< to the next invocation of this environment
  done,
  failed,   ///< attempts used up, or not worth another one
  spilled,  ///< handed to the dead letter
  expired,  ///< no time left
  dropped,  ///< refused after acceptance
};

/// "queued", "carried", "done", ...: the words of receipts and of the local API.
[[nodiscard]] std::string_view state_name(TaskState state);

/// In one of the last five.
[[nodiscard]] bool has_ended(TaskState state);

/// One task in the receipt of one invocation.
struct ReceiptTask {
  std::string id;
  std::string name;
  TaskState state = TaskState::done;
  int attempts = 0;                           ///< without interrupted ones
  std::optional<Millis> time = std::nullopt;  ///< running in this invocation; nothing: it did not
  std::optional<std::string> why;
  bool first = true;  ///< no receipt of this process told of it before
};

/// What became of the deferred work of one invocation (contract.md 7). A task's end stands in
/// exactly one receipt.
struct Receipt {
  std::string request_id;
  std::optional<Millis> response_time;  ///< from the event to the end of the response
  std::optional<Millis> held_time;      ///< from there to the release
  std::vector<ReceiptTask> tasks;
  std::optional<std::string> late_error_type;
  std::vector<std::string> handler_request_ids;
  bool response_failed = false;    ///< the caller got an error, or less than everything
  bool response_repeated = false;  ///< a receipt before told of this response

  /// Whether anybody wants to read of it: there was deferred work, or an error behind the answer.
  [[nodiscard]] bool tells() const { return !tasks.empty() || late_error_type; }
};

/// As much of a text from outside as a line of ours tells.
[[nodiscard]] std::string_view shortened(std::string_view text);

/// The log lines, without line feed, for Log::raw: one, or as many parts as it takes to keep each
/// below kMaxLogLineBytes. Keys without a value are left out. Pure.
[[nodiscard]] std::vector<std::string> receipt_lines(const Receipt& receipt, EpochTime at);

}  // namespace postlude
