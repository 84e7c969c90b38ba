#pragma once

#include "common/clock.h"
#include "tests/simulation/chance.h"
#include "tests/simulation/descriptors.h"
#include "tests/simulation/process.h"

#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace postlude::simulation {

enum class Telling { quiet, everything };

/// One simulated machine: time, processes, and what is due. Everything in it happens on one
/// operating system thread, one step after the other, in an order that its seed decides.
class World {
 public:
  World(std::uint64_t seed, Telling telling);
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World();

  /// The one that is being simulated.
  [[nodiscard]] static World& current();

  [[nodiscard]] Chance& chance() { return chance_; }
  [[nodiscard]] EpochTime now() const { return now_; }
  [[nodiscard]] Descriptors& descriptors() { return descriptors_; }

  /// In the environment, which may be frozen then: later in that case.
  void later(Millis delay, std::function<void()> event);
  /// Outside of the environment: the platform and its callers.
  void outside(Millis delay, std::function<void()> event);
  /// The time that bytes take from one process to another.
  [[nodiscard]] Millis hop();

  void freeze() { frozen_ = true; }
  void thaw();
  /// Time passes for the processes since then.
  [[nodiscard]] EpochTime thawed_at() const { return thawed_at_; }
  [[nodiscard]] bool frozen() const { return frozen_; }
  /// The clock goes on, and nobody notices.
  void pass(Millis time) { now_ += time; }

  Process& start(Process::Spec spec);
  /// The one whose turn it is; null outside of turns.
  [[nodiscard]] Process* running() const { return running_; }
  [[nodiscard]] Process* find(pid_t pid) const;
  [[nodiscard]] pid_t new_pid() { return ++last_pid_; }
  [[nodiscard]] const std::vector<std::unique_ptr<Process>>& processes() const {
    return processes_;
  }
  /// The running process may act; always true outside of turns.
  [[nodiscard]] bool acts() { return running_ == nullptr || running_->acts(); }
  /// As in a turn of this process.
  void as(Process& process, const std::function<void()>& act);
  /// Called for each process that has ended, after its last turn.
  void on_end(std::function<void(Process&)> handler) { on_end_ = std::move(handler); }

  /// Unwinds all processes that are left, children first.
  void end_processes();

  /// One event or one turn. False: nothing will ever happen any more.
  [[nodiscard]] bool step();

  /// A claim does not hold. The first one counts.
  void violate(std::string claim);
  [[nodiscard]] const std::string& violation() const { return violation_; }

  template <class... Arguments>
  void say(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    if (telling_ == Telling::everything) {
      tell(fmt::format(format, std::forward<Arguments>(arguments)...));
    }
  }
  [[nodiscard]] bool tells() const { return telling_ == Telling::everything; }

 private:
  using Events = std::multimap<EpochTime, std::function<void()>>;

  void tell(const std::string& line) const;
  [[nodiscard]] bool advance();
  void fire(Events& events);
  void take_turn(Process& process);
  void announce_ends();

  Telling telling_;
  Chance chance_;
  EpochTime begin_;
  EpochTime now_;
  Events inside_;
  Events outside_;
  bool frozen_ = false;
  EpochTime thawed_at_;
  Descriptors descriptors_;
  std::vector<std::unique_ptr<Process>> processes_;
  std::vector<Process*> runnable_;
  Process* running_ = nullptr;
  pid_t last_pid_ = 100;
  std::function<void(Process&)> on_end_;
  std::string violation_;
};

}  // namespace postlude::simulation
