#pragma once

#include "common/clock.h"
#include "common/task.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace postlude::simulation {

class Process;

/// What attempts do out in the world: how long they take and how they end is chance's.
class Work {
 public:
  using Id = int;
  enum class Kind { call, command, spill, preparation };
  enum class End { success, failed, refused, stopped };

  struct Attempt {
    Process* owner = nullptr;
    Kind kind = Kind::call;
    std::string task_id;
    EpochTime deadline;  ///< past it, it must not run
  };

  /// `ended` is called once, later, unless it is cancelled or its owner dies.
  Id begin(Attempt attempt, std::function<void(End)> ended);
  /// SIGTERM, and SIGKILL after `grace`.
  void stop(Id id, Millis grace);
  /// Over at once, without a word.
  void cancel(Id id);
  /// Its attempts die with it; commands may leave something behind for `kill`.
  void owner_died(const Process& owner);
  [[nodiscard]] bool runs(const Process& owner) const;
  [[nodiscard]] std::size_t running() const { return running_.size(); }
  /// The task of an attempt of this process that runs past its deadline at `now`; empty: none does.
  [[nodiscard]] std::string late(const Process& owner, EpochTime now) const;

 private:
  struct Running {
    Attempt attempt;
    std::function<void(End)> ended;
    bool stopping = false;
  };

  void finish(Id id, End end);

  std::map<Id, Running> running_;
  Id last_ = 0;
};

}  // namespace postlude::simulation
