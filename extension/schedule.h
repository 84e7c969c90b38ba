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

/// Decides what runs when, and when an invocation is settled. Pure: no clock, no I/O, no random
/// numbers; `now` comes with every call, and the answer is what to do.
///
/// A task is queued, then running, then done or failed; waiting between two attempts. It always
/// runs in the time of one open invocation, its host, and never past that one's work deadline: what
/// is still to do then is carried. A carried task has no host until the next invocation is answered
/// (or closed); it runs first there, because tasks start in the order of their acceptance. An
/// attempt that the work deadline cuts uses up no attempt; more than kMostInterruptions of them
/// expire the task.
///
/// An invocation is open from its answer until it is closed and hosts nothing any more. Then it is
/// released, once, after its receipt. What a function deferred before its answer waits for it like
/// carried work. Every call may release invocations.
///
/// With a concurrency of 1 the order is strict: a task starts only when all earlier ones have
/// ended, so that one which is carried takes the later ones along.
class Schedule {
 public:
  explicit Schedule(int concurrency) : concurrency_(concurrency) {}

  /// A number that is already held is ignored. A task of an invocation that was released is
  /// carried.
  [[nodiscard]] Steps accepted(const RecordName& name, const TaskRecord& record, EpochTime now);
  /// Accepted, but its record could not be written or cannot be read.
  [[nodiscard]] Steps dropped(Dropped task, EpochTime now);
  [[nodiscard]] Steps answered(const Answered& answered, EpochTime now);
  [[nodiscard]] Steps closed(const Closed& closed, EpochTime now);
  /// `random` is in [0, 1). A number that is not running is ignored.
  [[nodiscard]] Steps attempt_ended(std::uint64_t number,
                                    const AttemptResult& result,
                                    EpochTime now,
                                    double random);
  /// Call at next_due().
  [[nodiscard]] Steps time_passed(EpochTime now);
  /// The environment ends: everything that is held expires.
  [[nodiscard]] Steps shut_down(EpochTime now);

  /// When time alone changes something; nothing if it never does.
  [[nodiscard]] std::optional<EpochTime> next_due() const;

  [[nodiscard]] bool seen(std::uint64_t number) const { return number < unseen_; }
  [[nodiscard]] Accounting accounting() const;

  /// The tasks that this invocation accepted and that are held, or ended while it was open; in the
  /// order of their acceptance.
  [[nodiscard]] std::vector<TaskStatus> tasks_of(const InvocationKey& key) const;

 private:
  struct Held {
    RecordName name;  ///< as in the spool once the steps are carried out
    std::string id;
    std::string task_name;
    InvocationKey accepted_in;
    Millis timeout{};
    int attempts = 1;
    Millis backoff{};
    Millis margin{};  ///< between work deadline and deadline
    TaskState state = TaskState::queued;
    std::optional<InvocationKey> host;
    EpochTime due;  ///< waiting: of the next attempt; running: when it is stopped
    EpochTime started;
    bool cut_by_deadline = false;  ///< running: what `due` is
    bool stopping = false;
    bool uncounted = false;  ///< the last attempt in `name` uses up none
    Millis spent{};          ///< running time in this host
  };

  struct Open {
    InvocationKey key;
    EpochTime work_deadline;
    std::optional<AnswerSummary> answer;  ///< known once it is closed
    std::vector<std::pair<std::uint64_t, ReceiptTask>> tasks;
  };

  [[nodiscard]] Open* find(const InvocationKey& key);
  [[nodiscard]] const Open* find(const InvocationKey& key) const;
  [[nodiscard]] EpochTime work_deadline(const Held& task) const;
  [[nodiscard]] static Receipt receipt_of(Open& invocation, EpochTime now);
  Open& open(const InvocationKey& key, EpochTime work_deadline);
  [[nodiscard]] bool was_released(const InvocationKey& key) const;

  [[nodiscard]] Steps advance(EpochTime now, Steps steps);
  void enforce_time(EpochTime now, Steps& steps);
  void start_due(EpochTime now, Steps& steps);
  void start(Held& task, EpochTime now, Steps& steps);
  void release_settled(EpochTime now, Steps& steps);
  void attempt_failed(Held& task, const std::string& why, EpochTime now, double random);
  void interrupted(Held& task, Steps& steps);

  void note(const Held& task, std::string why);
  void carry(Held& task, std::string why);
  void end(Held& task, TaskState state, std::string why);
  void remove_ended(Steps& steps);
  [[nodiscard]] int carried() const;

  int concurrency_;
  std::uint64_t unseen_ = 0;            ///< the first number that was not accepted yet
  std::map<std::uint64_t, Held> held_;  ///< by order of acceptance
  std::vector<Open> open_;
  std::vector<std::uint64_t> released_;  ///< sequence numbers, the last few
  Accounting ended_;
};

}  // namespace postlude::extension
