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
  later,    ///< only journalled, for the next generation of this environment; nobody is told
};

/// Why nobody goes on with the tasks of an extension.
enum class Loss {
  no_successor,      ///< they end `dropped`
  environment_ends,  ///< they end as the extension would have ended them at a shutdown
};

/// Turns a fixed outcome into accepted tasks: spool record first, then the word to the extension.
/// A task that cannot be kept ends `dropped`, with the reason. Runs on the loop's thread.
class TaskJournal {
 public:
  /// `spool` is null, with the reason, where its folder could not be made.
  /// The tasks of `config` stay as they are from here on.
  TaskJournal(const Config& config, Result<Spool>& spool, ExtensionLink& link, Log log);

  /// Invocations are numbered from the one after it: unique over all generations.
  [[nodiscard]] std::uint64_t numbers_from() const {
    return spool_ ? numbers_of_generation(spool_->generation()) : 0;
  }

  /// Nothing where no task is configured, or none could be kept anyway.
  [[nodiscard]] std::optional<InvocationBodies> begin_capture(std::uint64_t sequence);

  [[nodiscard]] EpochTime work_deadline(const Invocation& invocation) const;
  /// An extension that nobody waits for is not held any longer: what goes to dead letters at the
  /// work deadline is there by then, for spills end after three quarters of the margin.
  [[nodiscard]] EpochTime hold_deadline(const Invocation& invocation) const;
  /// The extension has released the invocation before then, or it hangs: its spills end after three
  /// quarters of the margin, and this is seven eighths of it.
  [[nodiscard]] EpochTime release_deadline(const Invocation& invocation) const;

  /// Some configured task runs after this invocation; its outcome is fixed.
  [[nodiscard]] bool matches(const Invocation& invocation) const {
    return !matching(invocation).empty();
  }

  /// Some configured task waits for an invocation that comes close to its deadline without answer.
  [[nodiscard]] bool waits_for_timeouts() const;
  /// When that is: twice the margin before the deadline (contract.md 4.2).
  [[nodiscard]] EpochTime timeout_due(const Invocation& invocation) const;

  struct Taken {
    std::size_t tasks = 0;
    std::size_t handlers = 0;               ///< handler tasks among them
    std::size_t kept = 0;                   ///< in the spool; the others end `dropped`
    std::vector<ReceiptTask> dropped = {};  ///< those of which nobody was told
  };
  /// Once an invocation, when its outcome is fixed and the extension was told of it; how many tasks
  /// wait for that outcome.
  Taken accept(const Invocation& invocation,
               std::optional<InvocationBodies>& bodies,
               HandOver hand_over);

  /// The same for those that wait for timeout_due(), where there is no answer by then. They start
  /// at once.
  Taken accept_unanswered(const Invocation& invocation, std::optional<InvocationBodies>& bodies);

  /// Who defers: the invocation itself, or a handler attempt in its time.
  struct Origin {
    std::string request_id;
    int depth = 0;  ///< handler tasks that deferred one another, this one included
  };
  /// A task that the function defers; its id, unless it could not be kept. Before the answer or
  /// after it. It has the event only where `bodies` have it.
  [[nodiscard]] Result<std::string> defer(const Invocation& invocation,
                                          std::optional<InvocationBodies>& bodies,
                                          const DeferRequest& request,
                                          const Origin& origin);
  [[nodiscard]] const std::vector<Task>& configured() const { return config_.tasks; }
  /// The invocation is over: its deferred tasks are not counted any more.
  void forget_numbers(std::uint64_t sequence) { numbers_.erase(sequence); }

  /// The same without an extension: the tasks that ended `dropped`, for the receipt.
  [[nodiscard]] std::vector<ReceiptTask> drop(const Invocation& invocation) const;

  /// Records up to this number are in the spool, as far as they have not ended.
  [[nodiscard]] std::uint64_t last_record() const { return last_record_; }
  /// Tasks of that invocation whose records could not be written, as the extension was told.
  [[nodiscard]] std::vector<Dropped> unkept(std::uint64_t sequence) const;
  /// Its receipt is written.
  void settled(std::uint64_t sequence) { unkept_.erase(sequence); }

  /// What the extension had in hand, as the spool shows it.
  struct Held {
    std::size_t tasks = 0;              ///< not ended
    std::vector<std::string> task_ids;  ///< processes of these may run
  };
  [[nodiscard]] Held held() const;
  /// Something was handed over since all_ended().
  [[nodiscard]] bool handed_over_any() const { return !handed_over_.empty(); }

  /// A task that the extension took along.
  struct Lost {
    InvocationKey key;
    ReceiptTask task;  ///< ended
  };
  /// There is no extension any more: what was handed over and was not reported, in order of
  /// acceptance; at the end of the environment, what older generations handed over as well. Where
  /// the function cleaned the spool away, everything since all_ended() counts as lost. Files stay
  /// until remove_lost(): no account of a task is lost with a process that dies between.
  [[nodiscard]] std::vector<Lost> lose(Loss loss);
  /// Before a receipt tells how the lost tasks of that invocation ended: nobody runs them any more.
  void note_lost(std::uint64_t sequence);
  /// The invocations that have such files.
  [[nodiscard]] std::vector<std::uint64_t> lost_in() const;
  /// That receipt is written: their files go.
  void remove_lost(std::uint64_t sequence);
  /// Everything that was handed over so far has ended.
  void all_ended() { handed_over_.clear(); }
  /// The extension says that it has nothing left: of what was handed over so far, all that has no
  /// record has ended, also where the function cleaned the spool away.
  void nothing_left();
  /// How many tasks are remembered for lose().
  [[nodiscard]] std::size_t remembered() const { return handed_over_.size(); }

 private:
  struct HandedOver {
    std::uint64_t number = 0;
    int attempts = 0;  ///< at most
    CapturedBodies bodies;
    Lost lost;               ///< what it becomes if the extension goes
    bool has_ended = false;  ///< unless there is a record of it
  };
  struct LostRecord {
    RecordName found;
    RecordName ended;
  };
  struct LostFiles {
    std::vector<LostRecord> records;
    std::vector<std::string> bodies;
  };

  /// An environment that always carries some work is never without; what it remembers is bounded by
  /// what the spool holds.
  static constexpr std::size_t kFewHandedOver = 1000;

  enum class Start {
    after_answer,
    before_answer,    ///< deferred: it waits for the answer, and so does the word of it
    at_once,          ///< there will be no answer
    next_generation,  ///< only journalled
  };
  /// Captured bodies as files: their names, and each of them open, in the order of the members.
  struct StoredBodies {
    CapturedBodies names;
    std::vector<UniqueFd> files;
  };

  [[nodiscard]] std::vector<const Task*> matching(const Invocation& invocation) const;
  [[nodiscard]] TaskRecord record_of(const Invocation& invocation,
                                     const Task& task,
                                     const Origin& origin,
                                     int number) const;
  Taken accept_tasks(const Invocation& invocation,
                     const std::vector<const Task*>& tasks,
                     const Result<StoredBodies>& stored,
                     Start start);
  void accept_task(const Invocation& invocation,
                   const Task& task,
                   const Result<StoredBodies>& stored,
                   Start start,
                   Taken& taken);
  /// The task has a complete record in the spool, and belongs to the extension from here on.
  /// `files`: the record and its bodies.
  void tell(const RecordName& name,
            const TaskRecord& record,
            std::vector<UniqueFd> files,
            Start start);
  void lose_older(const std::vector<RecordName>& records, std::vector<Lost>& lost);
  /// What has ended is not remembered for ever.
  void forget_ended();
  [[nodiscard]] int configured_number(const std::string& name) const;
  [[nodiscard]] Result<StoredBodies> store(const Invocation& invocation,
                                           std::optional<InvocationBodies>& captured);
  [[nodiscard]] Result<StoredBodies> store_event(std::optional<InvocationBodies>& captured) const;

  const Config& config_;
  Result<Spool>& spool_;
  ExtensionLink& link_;
  Log log_;
  /// Of the configured tasks, in their order: every record of a task has the same.
  std::vector<std::string> definitions_;
  std::uint64_t last_record_ = 0;
  /// By sequence number, and "<request id>/<name>": how many tasks were deferred.
  std::map<std::uint64_t, std::map<std::string, int>> numbers_;
  /// In order of acceptance, until it is known to have ended.
  std::vector<HandedOver> handed_over_;
  std::map<std::uint64_t, LostFiles> lost_files_;  ///< by sequence number, until remove_lost()
  std::map<std::uint64_t, std::vector<Dropped>> unkept_;  ///< by sequence number, until settled
  std::size_t look_at_ = kFewHandedOver;                  ///< so many: see which of them have ended
};

}  // namespace postlude::runtime
