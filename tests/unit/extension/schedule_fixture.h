#pragma once

#include "extension/schedule.h"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace postlude::testing {

/// A schedule with a clock of its own and a judge: every answer is checked against what must hold
/// always (accounting, one end a task, one release an invocation, never more running than allowed,
/// a record for all that a later process must know) and given back as lines such as "start 1",
/// "stop 1 within 200", "note 1-0-1-q", "end 1", "receipt r1: a done", "spill 1: no time left",
/// "handlers done r1", "release r1/1 carrying 0". That a record goes is judged, and not listed.
class ScheduleUnderTest {
 public:
  explicit ScheduleUnderTest(int concurrency)
      : schedule_(concurrency, Millis(500)), concurrency_(concurrency) {}

  struct TaskPlan {
    std::uint64_t number = 1;
    std::string name = "a";
    std::uint64_t invocation = 1;
    int attempts = 1;
    Millis timeout = std::chrono::seconds(30);
    Millis backoff = Millis(200);
    int interruptions = 0;
    enum class Replay { yes, no } replay = Replay::yes;
    enum class Kind { command, handler, call } kind = Kind::command;
    enum class DeadLetter { no, yes } dead_letter = DeadLetter::no;
    extension::Schedule::Start start = extension::Schedule::Start::after_answer;
  };
  using Lines = std::vector<std::string>;

  Lines accept(const TaskPlan& plan);
  Lines answer(std::uint64_t invocation, Millis time_left);
  Lines close(std::uint64_t invocation, Millis time_left = Millis::zero());
  Lines result(std::uint64_t number, const extension::AttemptResult& result, double random = 0.5);
  Lines success(std::uint64_t number) { return result(number, {}); }
  Lines failure(std::uint64_t number, double random = 0.5) {
    return result(number, {extension::AttemptResult::Kind::failed, "exit status 1"}, random);
  }
  Lines stopped(std::uint64_t number) {
    return result(number, {extension::AttemptResult::Kind::stopped, ""});
  }
  Lines pass(Millis time);
  /// A freeze of that time, noticed.
  Lines thaw(Millis time);
  Lines shut_down();
  Lines last_words();
  /// The environment ends, and starts over with its spool.
  Lines start_over();
  Lines drop(std::uint64_t invocation);
  Lines idle(std::uint64_t invocation);
  /// From here on handler attempts that start do not reach the runtime until reentered().
  void keep_from_runtime() { reaches_runtime_ = false; }
  void reentered(std::uint64_t number);
  /// An empty `trouble`: the dead letter took it.
  Lines spilled(std::uint64_t number, const std::string& trouble = "");

  /// The process is gone, and the next one begins with what the spool holds.
  Lines crash();
  /// The same in the middle of the next answer: only its first steps are carried out.
  void crash_after(std::size_t steps) { steps_left_ = steps; }
  /// A record that another process left, for crash().
  void leave(const TaskPlan& plan, int attempts, RecordMark mark);

  /// One release for each time that an invocation is closed.
  void expect_overlap() {
    schedule_.expect_overlap();
    overlap_ = true;
  }

  [[nodiscard]] extension::Schedule& schedule() { return schedule_; }
  [[nodiscard]] const std::vector<Receipt>& receipts() const { return receipts_; }
  [[nodiscard]] const std::set<std::uint64_t>& running() const { return running_; }
  [[nodiscard]] const std::set<std::uint64_t>& spilling() const { return spilling_; }
  [[nodiscard]] EpochTime now() const { return now_; }
  /// Of the task of this number: how many attempts were started, over all processes.
  [[nodiscard]] int starts(std::uint64_t number) const;
  /// Brings every task that was ever accepted to its end, in invocations from this one on; all ran
  /// but those that a dead letter took, or a shutdown.
  void wind_up(std::uint64_t invocation);
  /// Accepted, and neither in the spool nor told by a receipt.
  [[nodiscard]] int lost() const;
  /// Nothing if time alone changes nothing.
  [[nodiscard]] std::optional<Millis> due_in() const;

  static InvocationKey key(std::uint64_t invocation);

 private:
  [[nodiscard]] TaskRecord record_of(const TaskPlan& plan);
  Lines judge(const extension::Steps& steps);
  void judge_books();
  void judge_end() const;
  void judge_rename(const RecordName& before, const RecordName& after);
  std::string judge_step(const extension::StartAttempt& step);
  std::string judge_step(const extension::StopAttempt& step);
  std::string judge_step(const extension::NoteState& step);
  std::string judge_step(const extension::EndTask& step);
  std::string judge_step(const extension::RemoveRecord& step);
  std::string judge_step(const extension::SpillTask& step);
  std::string judge_step(const HandlersDone& step);
  std::string judge_step(const extension::WriteReceipt& step);
  std::string judge_step(const extension::ReleaseInvocation& step);

  extension::Schedule schedule_;
  int concurrency_;
  EpochTime now_ = from_epoch_ms(1'000'000);
  std::map<std::uint64_t, RecordName> records_;  ///< what the spool holds
  std::map<std::uint64_t, TaskRecord> plans_;    ///< all that was ever accepted
  std::map<std::uint64_t, int> starts_;
  std::set<std::uint64_t> never_again_;  ///< cut by a crash, and replay is false
  std::set<std::uint64_t> running_;
  std::set<std::uint64_t> spilling_;
  std::set<std::uint64_t> handlers_;
  std::map<std::string, TaskState> ends_;  ///< ids whose end was receipted
  std::set<std::uint64_t> released_;
  std::set<std::string> retold_;  ///< ids whose end may stand in a second receipt
  std::vector<Receipt> receipts_;
  int accepted_ = 0;  ///< by this process, or replayed
  std::optional<std::size_t> steps_left_;
  int drops_ = 0;
  bool reaches_runtime_ = true;
  bool shut_down_ = false;
  bool overlap_ = false;
};

}  // namespace postlude::testing
