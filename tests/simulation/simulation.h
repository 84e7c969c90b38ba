#pragma once

#include "common/child_process.h"
#include "tests/simulation/disk.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/function_runtime.h"
#include "tests/simulation/job_fibers.h"
#include "tests/simulation/ledger.h"
#include "tests/simulation/plan.h"
#include "tests/simulation/platform.h"
#include "tests/simulation/relay_end.h"
#include "tests/simulation/work.h"
#include "tests/simulation/world.h"

#include <cstdint>
#include <set>
#include <string>

namespace postlude::simulation {

/// From here on system calls of simulated processes are ours (fakes/system_calls.cpp).
void watch_system_calls();

/// One schedule: a seed, and all that follows from it. The parts of the simulated world find one
/// another here, because they stand behind headers of production code that know nothing of them.
class Simulation {
 public:
  Simulation(std::uint64_t seed, Telling telling);
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;
  ~Simulation();

  [[nodiscard]] static Simulation& current();
  [[nodiscard]] static bool exists();

  /// To its end. Empty: every claim held.
  [[nodiscard]] std::string run();
  [[nodiscard]] Ledger::Counts counts() const { return ledger_.counts(disk_.records()); }
  [[nodiscard]] int steps() const { return steps_; }
  [[nodiscard]] int invocations() const { return platform_.invocations(); }
  [[nodiscard]] int generations() const { return platform_.generation(); }

  [[nodiscard]] World& world() { return world_; }
  [[nodiscard]] Disk& disk() { return disk_; }
  [[nodiscard]] Ledger& ledger() { return ledger_; }
  [[nodiscard]] Work& work() { return work_; }
  [[nodiscard]] const Plan& plan() const { return plan_; }
  [[nodiscard]] Faults& faults() { return faults_; }
  [[nodiscard]] Platform& platform() { return platform_; }
  [[nodiscard]] FunctionRuntime& runtime() { return runtime_; }

  // Processes of the generation at hand; null where there is none.
  [[nodiscard]] Process* shim() const;
  [[nodiscard]] Process* extension() const;
  void start_shim(int generation);
  void start_extension(pid_t pid, Process& shim, const ChildSpec& spec);
  void signal_shim(int number);
  void kill_shim(int generation);
  /// A reset leaves no process behind; one that is not stopped ends by itself.
  void kill_stopped();

  void relay_listens(RelayEnd& relay) { relay_ = &relay; }
  void relay_gone(const RelayEnd& relay);
  [[nodiscard]] RelayEnd* relay() const { return relay_; }

  // What the fakes report.
  void log_line(std::string_view line);
  void promised(const std::string& body);
  void packet_sent(std::string_view packet);
  /// An attempt begins to have effects. `id` is the task's.
  void run_begins(const std::string& id, int attempt);
  /// The runtime got an event. True: it is one of a handler task, and an attempt begins.
  [[nodiscard]] bool handler_taken(const std::string& event);
  /// The attempt in the runtime was answered.
  void handler_answered(bool success);
  /// Past it, no work may run whose work deadline is this.
  [[nodiscard]] EpochTime end_of_work(EpochTime work_deadline) const;

  // What happens to the environment.
  void wipe_disk();
  void calm_down();
  void environment_ends();
  /// The platform believes that everything is at rest.
  void check_released(bool driven);

 private:
  void process_ended(Process& process);
  void check();
  [[nodiscard]] bool hangs_unnoticed(const Process& process) const;
  void check_order(const std::string& id);
  [[nodiscard]] const Task* definition_of(std::string_view id) const;

  World world_;
  Disk disk_;
  Ledger ledger_;
  Work work_;
  Plan plan_;
  Faults faults_;
  Platform platform_;
  FunctionRuntime runtime_;
  RelayEnd* relay_ = nullptr;
  std::string handler_task_;  ///< whose attempt is in the runtime
  pid_t shim_ = 0;
  pid_t extension_ = 0;
  int steps_ = 0;
};

}  // namespace postlude::simulation
