#pragma once

#include "common/clock.h"
#include "common/messages.h"
#include "common/receipt.h"
#include "common/spool_format.h"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace postlude::extension {

/// What the schedule wants done, as values; whoever asked it carries them out, in order. One of
/// them is a message to the shim as it stands: HandlersDone.

/// Note the new name in the spool, then run the task.
struct StartAttempt {
  RecordName before;
  RecordName after;
  InvocationKey host;       ///< the invocation in whose time it runs
  EpochTime work_deadline;  ///< of that one
  EpochTime until;          ///< StopAttempt follows then
};

/// Ask the attempt to end, and force it after `grace`. Its result is still expected, unless `grace`
/// is zero: then it is over. A spill is cancelled, and reports nothing any more.
struct StopAttempt {
  std::uint64_t number = 0;
  Millis grace{};
};

/// The task stands elsewhere now: note it in the spool, for a process that finds the record.
struct NoteState {
  RecordName before;
  RecordName after;
};

/// The task has ended: note how in the spool, where its record stays until a receipt told it. Where
/// `was_running`, end what is left at once; no result is expected any more.
struct EndTask {
  RecordName before;
  RecordName after;
  InvocationKey accepted_in;
  bool was_running = false;
};

/// The receipt before it told the end of this task: its record goes away.
struct RemoveRecord {
  RecordName name;
};

/// Hand the task to its dead letter and report it with Schedule::spill_ended, by `until`.
struct SpillTask {
  RecordName name;
  TaskState state = TaskState::failed;  ///< what the task would be without a dead letter
  std::string why;
  EpochTime until;
};

struct WriteReceipt {
  Receipt receipt;
};

/// Release the invocation. Its receipt, if it has one, comes before.
struct ReleaseInvocation {
  InvocationKey key;
  int carried = 0;           ///< tasks that wait for the next invocation
  int carried_handlers = 0;  ///< handler tasks among them
};

using Step = std::variant<StartAttempt,
                          StopAttempt,
                          NoteState,
                          EndTask,
                          RemoveRecord,
                          SpillTask,
                          HandlersDone,
                          WriteReceipt,
                          ReleaseInvocation>;
using Steps = std::vector<Step>;

/// A record that an earlier process left.
struct FoundRecord {
  RecordName name;
  const TaskRecord* record = nullptr;  ///< never null; outlives the call only
};

/// One that cannot be read and never will be; what its task was is known no more.
struct UnreadableRecord {
  RecordName name;
  RecordOwner owner;
  std::string why;
};

/// How an attempt ended, whatever the action.
struct AttemptResult {
  enum class Kind {
    success,
    failed,   ///< may be tried again
    refused,  ///< another attempt would end the same way
    stopped,  ///< it ended because of StopAttempt
  } kind = Kind::success;
  std::string why = {};
  /// The other side asked not to be tried again before (Retry-After).
  std::optional<Millis> retry_after = {};
};

/// Every accepted task is in exactly one of the others.
struct Accounting {
  int accepted = 0;
  int done = 0;
  int failed = 0;
  int spilled = 0;
  int expired = 0;
  int dropped = 0;
  int held = 0;

  [[nodiscard]] bool balanced() const {
    return accepted == done + failed + spilled + expired + dropped + held;
  }
};

}  // namespace postlude::extension
