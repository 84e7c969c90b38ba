#pragma once

#include "common/log.h"
#include "common/receipt.h"
#include "common/spool.h"
#include "runtime/capture.h"
#include "runtime/config.h"
#include "runtime/defer_request.h"
#include "runtime/extension_link.h"
#include "runtime/invocation.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace postlude::runtime {

/// What was captured of one invocation.
struct InvocationBodies {
  Capture event;
  Capture answer;
  bool answer_has_prelude = false;
  /// The error object where it is not the answer itself: from trailers, or the runtime's death.
  std::string error;
};

enum class HandOver {
  at_once,  ///< the extension is told and starts
  later,    ///< only journalled, for the next generation of this environment
};

/// Turns a fixed outcome into accepted tasks: spool record first, then the word to the extension.
/// A task that cannot be kept ends `dropped`, with the reason. Runs on the loop's thread.
class TaskJournal {
 public:
  /// `spool` is null, with the reason, where its folder could not be made.
  /// The tasks of `config` stay as they are from here on.
  TaskJournal(const Config& config, Result<Spool>& spool, ExtensionLink& link, Log log);

  /// Nothing where no task is configured, or none could be kept anyway.
  [[nodiscard]] std::optional<InvocationBodies> begin_capture(std::uint64_t sequence);

  [[nodiscard]] EpochTime work_deadline(const Invocation& invocation) const;

  /// Some configured task runs after this invocation; its outcome is fixed.
  [[nodiscard]] bool matches(const Invocation& invocation) const {
    return !matching(invocation).empty();
  }

  /// Once an invocation, when its outcome is fixed and the extension was told of it; how many tasks
  /// matched.
  std::size_t accept(const Invocation& invocation,
                     std::optional<InvocationBodies>& bodies,
                     HandOver hand_over);

  /// A task that the function defers; its id, unless it could not be kept. Before the answer or
  /// after it. It has the event only where `bodies` have it.
  [[nodiscard]] Result<std::string> defer(const Invocation& invocation,
                                          std::optional<InvocationBodies>& bodies,
                                          const DeferRequest& request);
  [[nodiscard]] const std::vector<Task>& configured() const { return config_.tasks; }
  /// The invocation is over: its deferred tasks are not counted any more.
  void forget_numbers(std::uint64_t sequence) { numbers_.erase(sequence); }

  /// The same without an extension: the tasks that ended `dropped`, for the receipt.
  [[nodiscard]] std::vector<ReceiptTask> drop(const Invocation& invocation) const;

  /// A task that the extension took along.
  struct Lost {
    InvocationKey key;
    ReceiptTask task;  ///< ended `dropped`
  };
  /// The extension is gone: what was handed over and has not ended, in order of acceptance. Nothing
  /// of it is left in the spool. Where the function cleaned the spool away, everything since
  /// all_ended() counts as lost.
  [[nodiscard]] std::vector<Lost> drop_handed_over();
  /// Everything that was handed over so far has ended.
  void all_ended() { handed_over_.clear(); }

 private:
  struct HandedOver {
    std::uint64_t number = 0;
    CapturedBodies bodies;
    Lost lost;  ///< what it becomes if the extension goes
  };

  [[nodiscard]] std::vector<const Task*> matching(const Invocation& invocation) const;
  /// Captured bodies as files: their names, and each of them open, in the order of the members.
  struct StoredBodies {
    CapturedBodies names;
    std::vector<UniqueFd> files;
  };

  [[nodiscard]] TaskRecord record_of(const Invocation& invocation,
                                     const Task& task,
                                     int number) const;
  void accept_task(const Invocation& invocation,
                   const Task& task,
                   const Result<StoredBodies>& stored,
                   HandOver hand_over);
  /// The task has a complete record in the spool, and belongs to the extension from here on.
  void tell(const RecordName& name,
            const TaskRecord& record,
            UniqueFd file,
            const std::vector<UniqueFd>& bodies);
  /// The next number of a deferred task of that name in that invocation.
  [[nodiscard]] int next_number(std::uint64_t sequence, const std::string& name);
  [[nodiscard]] Result<StoredBodies> store(const Invocation& invocation,
                                           std::optional<InvocationBodies>& captured);

  const Config& config_;
  Result<Spool>& spool_;
  ExtensionLink& link_;
  Log log_;
  /// Of the configured tasks, in their order: every record of a task has the same.
  std::vector<std::string> definitions_;
  std::uint64_t last_record_ = 0;
  /// By sequence number and name: the last number of a deferred task.
  std::map<std::uint64_t, std::map<std::string, int>> numbers_;
  std::vector<HandedOver> handed_over_;
};

}  // namespace postlude::runtime
