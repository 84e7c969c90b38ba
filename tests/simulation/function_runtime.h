#pragma once

#include "common/child_process.h"
#include "tests/simulation/process.h"
#include "tests/simulation/relay_end.h"

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace postlude::simulation {

/// The function and its language runtime: polls, answers in every way there is, defers, asks, hangs
/// and dies, as chance has it.
class FunctionRuntime {
 public:
  void start(pid_t pid, Process& shim);
  void signal(int number);
  /// The kernel's, when the shim has died.
  void shim_died();

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] const std::optional<ExitStatus>& status() const { return status_; }
  [[nodiscard]] bool runs() const { return pid_ != 0 && !status_; }
  /// It asked for its next event, and has none yet.
  [[nodiscard]] bool asks() const { return asking_since_.has_value(); }
  [[nodiscard]] std::optional<EpochTime> asking_since() const { return asking_since_; }

 private:
  enum class Act {
    defer,
    ask,
    answer_early,
    answer,
    fail,
    fail_streaming,
    cut_answer,
    exit,
    hang,
    poll,
  };

  void poll();
  void event_came(const std::string& head, const std::string& body);
  [[nodiscard]] std::vector<Act> script(bool own_event) const;
  void next_act();
  void perform(Act act);
  void answer(RuntimeRequest request, bool may_retry);
  void defer();
  void exit(ExitStatus status);
  /// `then` happens unless this runtime has ended.
  void after(Millis delay, std::function<void()> then);
  void send(RuntimeRequest request);

  pid_t pid_ = 0;
  Process* shim_ = nullptr;
  int life_ = 0;
  std::optional<ExitStatus> status_;
  std::optional<EpochTime> asking_since_;
  std::string event_id_;
  std::vector<Act> acts_;
  bool answered_ = false;
};

}  // namespace postlude::simulation
