#pragma once

#include "common/child_process.h"
#include "common/clock.h"
#include "tests/simulation/fiber.h"

#include <poll.h>
#include <sys/types.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace postlude::simulation {

/// Thrown out of poll() in a simulated process that has died, so that its stack unwinds. What it
/// does until then has no effect on the world.
struct SimulatedCrash {};

/// A shim or an extension: real code on a fiber of its own, from its start to its end. It has a
/// turn when poll() would return, and gives it back at the next poll().
class Process {
 public:
  enum class Role { shim, extension };
  struct Spec {
    Role role = Role::shim;
    pid_t pid = 0;
    int generation = 0;
    Process* parent = nullptr;
    int parent_death_signal = 0;
    EpochTime starts;  ///< loading a program takes time
    std::function<ExitStatus()> program;
  };

  explicit Process(Spec spec);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  /// Unwinds what is left of it.
  ~Process();

  [[nodiscard]] Role role() const { return spec_.role; }
  [[nodiscard]] pid_t pid() const { return spec_.pid; }
  [[nodiscard]] int generation() const { return spec_.generation; }
  [[nodiscard]] Process* parent() const { return spec_.parent; }
  [[nodiscard]] int parent_death_signal() const { return spec_.parent_death_signal; }
  [[nodiscard]] std::string name() const;

  /// It has something to do at `now`.
  [[nodiscard]] bool runnable(EpochTime now) const;
  /// When time alone gives it something to do.
  [[nodiscard]] std::optional<EpochTime> wakes() const;
  void turn();

  /// As poll(2); from its own fiber.
  int poll(pollfd* entries, nfds_t count, int timeout);
  /// Call before each effect on the world: false once it is dead, and then the effect is none.
  [[nodiscard]] bool acts();

  /// It dies at its `effects`-th effect from here on; 0: at once. As by SIGKILL.
  void crash_after(int effects) { effects_left_ = effects; }
  void kill();
  /// It does not die of what crash_after() said.
  void spare() { effects_left_.reset(); }
  /// SIGKILL, or one that it has blocked and reads from its descriptor.
  void signal(int number);
  [[nodiscard]] std::optional<int> take_signal();
  [[nodiscard]] bool signal_pending() const { return !signals_.empty(); }

  /// SIGSTOP and SIGCONT.
  void stop(EpochTime at);
  void go_on();
  /// It went on then, and may be late with everything; never: it was not stopped.
  [[nodiscard]] std::optional<EpochTime> went_on() const { return went_on_; }
  [[nodiscard]] bool stopped() const { return stopped_since_.has_value(); }
  [[nodiscard]] std::optional<EpochTime> stopped_since() const { return stopped_since_; }

  [[nodiscard]] bool dead() const { return dead_; }
  /// How it ended; nothing while it runs.
  [[nodiscard]] const std::optional<ExitStatus>& status() const { return status_; }
  /// Its turns so far; a process that never waits is a fault.
  [[nodiscard]] int turns() const { return turns_; }
  /// Its parent has asked for its end, and got it.
  bool reaped = false;
  bool announced = false;  ///< the world has heard of its end

 private:
  void end(ExitStatus status);

  Spec spec_;
  std::unique_ptr<Fiber> fiber_;
  pollfd* entries_ = nullptr;
  nfds_t entry_count_ = 0;
  std::optional<EpochTime> wakes_;
  std::deque<int> signals_;
  std::optional<int> effects_left_;
  bool dead_ = false;
  std::optional<EpochTime> stopped_since_;
  std::optional<EpochTime> went_on_;
  std::optional<ExitStatus> status_;
  int turns_ = 0;
};

}  // namespace postlude::simulation
