#pragma once

#include "extension/schedule_steps.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace postlude::extension {

/// How often an attempt may be cut short through no fault of its own.
inline constexpr int kMostInterruptions = 3;
/// From SIGTERM to SIGKILL (contract.md 4.1).
inline constexpr Millis kStopGrace = Millis(200);
/// Of a margin, for what follows when all has ended: processes die, a receipt is written, the
/// platform is told. A few milliseconds of work, for a small function's share of a processor.
inline constexpr Millis kEndingTime = Millis(100);
/// A handler cannot be interrupted: an attempt starts only if this, or its whole timeout, fits.
inline constexpr Millis kLeastHandlerTime = std::chrono::seconds(1);
/// What a call that was under way over a freeze is given to end: connections to the outside may be
/// gone without a word (lambda-protocol.md 4.4), but an answer that is on its way comes soon.
inline constexpr Millis kTrustAfterThaw = std::chrono::seconds(2);
/// A dead letter is one call of an AWS service.
inline constexpr Millis kMostSpillTime = std::chrono::seconds(10);

/// Decides what runs when, and when an invocation is settled. Pure: no clock, no I/O, no random
/// numbers; `now` comes with every call, and the answer is what to do.
///
/// A task is queued, then running, then done or failed; waiting between two attempts. It always
/// runs in the time of one open invocation, its host, and never past that one's work deadline: what
/// is still to do then goes to its dead letter, or is carried without one. A carried task has no
/// host until the next invocation is answered (or closed); it runs first there, because tasks start
/// in the order of their acceptance. An attempt that the work deadline cuts uses up no attempt;
/// more than kMostInterruptions of them, or of crashes, expire the task.
///
/// What cannot be finished is spilled: handed to the dead letter in the time between work deadline
/// and deadline, if need be. Where that fails, the task is carried, and spilled again next time if
/// its attempts are used up.
///
/// Handler tasks run in the function's own runtime, one at a time, while it waits for its next
/// event: see idle().
///
/// Where a task stands is noted in the name of its record before it counts, so that a process that
/// finds the record goes on from there: an attempt that is under way, say, was cut by a crash,
/// which is an interruption like that of a deadline. A record goes when a receipt has told the
/// task's end.
///
/// An invocation is open from its answer until it is closed and hosts nothing any more. Then it is
/// released, once, after its receipt. What a function deferred before its answer waits for it like
/// carried work; only tasks that wait for the deadline to come near run in an invocation without an
/// answer. Every call may release invocations.
///
/// With a concurrency of 1 the order is strict: a task starts only when all earlier ones have
/// ended, so that one which is carried takes the later ones along.
class Schedule {
 public:
  /// `margin` is the configured one.
  Schedule(int concurrency, Millis margin) : concurrency_(concurrency), margin_(margin) {}

  /// Managed Instances: an invocation that was released goes on when it is answered again, because
  /// its handler defers more. Before anything else.
  void expect_overlap() { overlap_ = true; }
  /// A receipt also where there is nothing to tell of but the answer. Before anything else.
  void tell_every_answer() { tell_every_answer_ = true; }

  enum class Start {
    after_answer,
    at_once,  ///< the invocation has no answer
  };
  /// First of all: the records up to `last_record` that are left of earlier processes, each once.
  /// What is to be done yet is carried; ends that no receipt told are told at once, in receipts of
  /// their own.
  [[nodiscard]] Steps replayed(const std::vector<FoundRecord>& found,
                               std::uint64_t last_record,
                               EpochTime now);
  /// One that was to be replayed: it ends `dropped`, unless its name tells another end, in a
  /// receipt of its own.
  [[nodiscard]] Steps unreadable(const UnreadableRecord& record);
  /// A number that is already held, or was to be replayed, is ignored. A task of an invocation that
  /// was released is carried.
  [[nodiscard]] Steps accepted(const RecordName& name,
                               const TaskRecord& record,
                               EpochTime now,
                               Start start = Start::after_answer);
  /// Accepted, but its record could not be written or cannot be read; `record` is one that goes
  /// with the receipt.
  [[nodiscard]] Steps dropped(Dropped task,
                              EpochTime now,
                              const std::optional<RecordName>& record = std::nullopt);
  [[nodiscard]] Steps answered(const Answered& answered, EpochTime now);
  [[nodiscard]] Steps closed(const Closed& closed, EpochTime now);
  /// The runtime waits for its next event, and gets none before HandlersDone: handler tasks of the
  /// invocation may run. Again after each attempt that reached the runtime.
  [[nodiscard]] Steps idle(const InvocationKey& key, EpochTime now);
  /// A handler attempt goes to the runtime, which waits no more; under this request id, for the
  /// receipt of its host. One that ends before leaves the runtime waiting.
  void handler_request(std::uint64_t number, std::string request_id);
  /// `random` is in [0, 1). A number that is not running is ignored.
  [[nodiscard]] Steps attempt_ended(std::uint64_t number,
                                    const AttemptResult& result,
                                    EpochTime now,
                                    double random);
  /// `trouble` is empty where the dead letter took it. A number that is not spilling is ignored.
  [[nodiscard]] Steps spill_ended(std::uint64_t number, const std::string& trouble, EpochTime now);
  /// Call at next_due().
  [[nodiscard]] Steps time_passed(EpochTime now);
  /// The process was frozen until now. A call that does not end soon uses up no attempt and is made
  /// again at once; so does whatever ran out of its time meanwhile. What waited meanwhile and is
  /// due starts, as ever with no more at once than the concurrency allows, and without a new wait:
  /// the other side had its pause, whoever slept.
  [[nodiscard]] Steps thawed(EpochTime now);
  enum class Aftermath {
    nothing,          ///< what is held and has no dead letter expires
    next_generation,  ///< it is carried: the environment starts over with its spool
  };
  /// The environment ends at `until`: everything that is held is spilled, or else what `aftermath`
  /// says. What follows until over() comes from spill_ended() and time_passed().
  [[nodiscard]] Steps shut_down(EpochTime now,
                                EpochTime until,
                                Aftermath aftermath = Aftermath::nothing);
  /// It was shut down, and nothing is at work any more.
  [[nodiscard]] bool over() const;
  /// The process ends before its invocations do. What has a record is told by the one that finds
  /// it; these receipts are of what has none. The last call.
  [[nodiscard]] Steps last_words();

  /// When time alone changes something; nothing if it never does.
  [[nodiscard]] std::optional<EpochTime> next_due() const;

  /// A task that will be spilled, from `begins` until `ends`, unless it is done before.
  struct SpillCandidate {
    std::uint64_t number = 0;
    EpochTime begins;
    EpochTime ends;
    Millis margin{};
  };
  [[nodiscard]] std::vector<SpillCandidate> spill_candidates() const;

  [[nodiscard]] bool seen(std::uint64_t number) const { return number < unseen_; }
  [[nodiscard]] Accounting accounting() const;
  /// Tasks that wait for the next invocation, and the handler tasks among them.
  [[nodiscard]] int carried() const;
  [[nodiscard]] int carried_handlers() const;

  /// The tasks that this invocation accepted and that are held, or ended while it was open; in the
  /// order of their acceptance. The key's request id may also be one of a handler attempt in it:
  /// then those that were deferred there.
  [[nodiscard]] std::vector<TaskStatus> tasks_of(const InvocationKey& key) const;

 private:
  /// What a task that is spilled would be without a dead letter.
  struct Ending {
    TaskState state = TaskState::failed;
    std::string why;
    bool final = true;  ///< false: more time would have helped
  };

  struct Held {
    RecordName noted;  ///< as in the spool once the steps are carried out
    RecordName name;   ///< as it should be
    std::string id;
    std::string task_name;
    InvocationKey accepted_in;
    Millis timeout{};
    int attempts = 1;
    Millis backoff{};
    Millis margin{};  ///< behind the work deadline: for stopping and spilling
    bool is_handler = false;
    bool is_call = false;  ///< its attempts wait for the outside
    bool has_dead_letter = false;
    TaskState state = TaskState::queued;
    std::optional<InvocationKey> host;
    EpochTime
        due;  ///< waiting: of the next attempt; running: when it is stopped; spilling: its end
    EpochTime started;
    EpochTime not_before;          ///< the other side wants no attempt earlier
    bool cut_by_deadline = false;  ///< running: what `due` is
    bool cut_by_freeze = false;    ///< the same
    bool stopping = false;
    bool spilling = false;
    std::optional<Ending> ending;  ///< no attempt is left; while spilling: why
    std::optional<Millis> spent;   ///< running time in this invocation; nothing: it did not run
    bool told = false;             ///< some receipt will name it already

    /// Its attempt is over.
    void ran_until(EpochTime now) {
      spent = spent.value_or(Millis::zero()) + remaining(now, started);
    }
  };

  struct Told {
    std::uint64_t number = 0;  ///< 0: it has no record
    ReceiptTask task;
    std::optional<RecordName> record;  ///< it has ended; goes with the receipt
  };

  struct Open {
    InvocationKey key;
    EpochTime work_deadline;
    bool answered = true;
    bool idle = false;  ///< the runtime waits, though an attempt for it may be under way
    std::optional<AnswerSummary> answer;  ///< known once it is closed
    int closes = 0;  ///< several where invocations overlap: each is answered with a release
    std::vector<Told> tasks;
    std::vector<std::string> handler_request_ids;
  };

  [[nodiscard]] Open* find(const InvocationKey& key);
  [[nodiscard]] const Open* find(const InvocationKey& key) const;
  [[nodiscard]] EpochTime work_deadline(const Held& task) const;
  [[nodiscard]] static EpochTime end_of_spills(const Held& task, EpochTime work_deadline);
  [[nodiscard]] Held& hold(const RecordName& name, const TaskRecord& record);
  void resume(Held& task, const TaskRecord& record, Open& teller);
  void write_receipt(Open& invocation, EpochTime now, Steps& steps) const;
  Open& open(const InvocationKey& key, EpochTime work_deadline);
  Open* host_from(const InvocationKey& key, EpochTime work_deadline, EpochTime now);
  void adopt_carried(const Open& invocation, EpochTime now);
  [[nodiscard]] bool was_released(const InvocationKey& key) const;

  [[nodiscard]] Steps advance(EpochTime now, Steps steps);
  void end_all(EpochTime now, Steps& steps);
  void leave(Held& task, EpochTime now, Steps& steps);
  void enforce_time(EpochTime now, Steps& steps);
  void enforce_time(Held& task, const Open& host, EpochTime now, Steps& steps);
  void start_due(EpochTime now, Steps& steps);
  [[nodiscard]] bool start_if_possible(Held& task, EpochTime now, Steps& steps);
  [[nodiscard]] bool handler_runs() const;
  void tell_handlers_done(Steps& steps);
  void release_settled(EpochTime now, Steps& steps);

  // What becomes of one task (schedule_tasks.cpp).
  void start(Held& task, EpochTime now, Steps& steps);
  void attempt_failed(Held& task, const AttemptResult& result, EpochTime now, double random);
  void interrupted(Held& task, EpochTime now);
  [[nodiscard]] static bool take_back_attempt(Held& task);
  void give_up(Held& task, Ending ending, EpochTime now);
  void postpone(Held& task, std::string why, EpochTime now);
  void spill(Held& task, Ending ending, EpochTime now);
  void spill_failed(Held& task, const std::string& trouble);
  static void tell(Open& teller, Held& task, std::string why);
  void carry(Held& task, std::string why);
  void end(Held& task, TaskState state, std::string why);
  void end_in(Open& teller, Held& task, TaskState state, std::string why);
  void count_end(TaskState state);
  void remove_ended(Steps& steps);
  [[nodiscard]] static RecordMark mark_of(const Held& task);
  void note_states(Steps& steps);
  static void note_state(Held& task, Steps& steps);

  int concurrency_;
  Millis margin_;
  std::uint64_t unseen_ = 0;            ///< the first number that was not accepted yet
  std::map<std::uint64_t, Held> held_;  ///< by order of acceptance
  std::vector<Open> open_;
  std::vector<std::uint64_t> released_;  ///< sequence numbers, the last few
  std::optional<EpochTime> shutdown_;    ///< until when
  Aftermath aftermath_ = Aftermath::nothing;
  bool overlap_ = false;
  bool tell_every_answer_ = false;
  Steps pending_;  ///< spills to be carried out
  Accounting ended_;
};

}  // namespace postlude::extension
