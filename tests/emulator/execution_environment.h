#pragma once

#include "common/error.h"
#include "tests/emulator/environment_api.h"
#include "tests/emulator/environment_variables.h"
#include "tests/emulator/event_journal.h"
#include "tests/emulator/faults.h"
#include "tests/emulator/freezer.h"
#include "tests/emulator/generation.h"
#include "tests/emulator/http_listener.h"
#include "tests/emulator/invocation.h"
#include "tests/emulator/log_collector.h"
#include "tests/emulator/log_lines.h"
#include "tests/emulator/options.h"
#include "tests/emulator/platform_log.h"
#include "tests/emulator/sandbox.h"
#include "tests/emulator/telemetry.h"
#include "tests/emulator/timeline.h"

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace postlude::emulator {

/// One execution environment: init, invocations one at a time, freezing between them, resets,
/// shutdown (lambda-protocol.md 4). Thread "environment" decides all of it; its generation, its
/// sandbox and its API's connection threads tell it what happened. Functions are thread-safe.
class ExecutionEnvironment {
 public:
  struct World {
    const Options& options;
    EventJournal& journal;
    std::string path;  ///< PATH for its processes
  };

  [[nodiscard]] static Result<std::unique_ptr<ExecutionEnvironment>> start(const World& world,
                                                                           int number);
  /// As stop(), and waits for the end.
  ~ExecutionEnvironment();
  ExecutionEnvironment(const ExecutionEnvironment&) = delete;
  ExecutionEnvironment& operator=(const ExecutionEnvironment&) = delete;

  enum class Fit {
    at_once,   ///< it waits for this invocation and nothing else
    may_wait,  ///< on Managed Instances: until a worker is idle, for at most --admission-wait
  };
  /// False: it is busy or at its end.
  [[nodiscard]] bool try_assign(const std::shared_ptr<Invocation>& invocation, Fit fit);
  /// Shuts down now, whatever it is doing.
  void stop();
  /// Ends it as the platform may at any time: all processes are killed at once, nobody is told.
  void vanish();
  /// Gone: all processes have ended.
  [[nodiscard]] bool ended() const;
  [[nodiscard]] int number() const { return number_; }

  // A test decides.

  /// Stops all processes until release(), whatever the platform wants meanwhile; its clocks go on.
  Sandbox::Frozen hold();
  /// How many go on: none if the platform has frozen them.
  std::size_t release();
  /// Resets its connections to the outside, as the network does to those that idled for long.
  DroppedConnections drop_connections();
  [[nodiscard]] Faults& faults() { return faults_; }

 private:
  using Clock = std::chrono::steady_clock;
  enum class PhaseEnd { done, expired, failed, stopped };
  enum class Wake { invocation, crash, shutdown };

  ExecutionEnvironment(World world, int number);
  [[nodiscard]] Result<void> open();
  void run();
  void run_on_demand();
  [[nodiscard]] Wake wait_idle();
  [[nodiscard]] std::shared_ptr<Generation> current_generation();

  // environment_init.cpp
  void init_ahead();
  [[nodiscard]] PhaseEnd init(Clock::time_point deadline);
  [[nodiscard]] PhaseEnd start_extensions(Clock::time_point deadline);
  [[nodiscard]] Result<void> start_external_extensions();
  [[nodiscard]] bool start_runtime();
  [[nodiscard]] InitPhase init_phase() const {
    return suppressed_init_ ? InitPhase::invoke : InitPhase::init;
  }
  [[nodiscard]] InitStart init_start() const;
  [[nodiscard]] PhaseEnd wait_for_runtime(Clock::time_point deadline);
  void report_good_init(Clock::time_point began);
  [[nodiscard]] EnvironmentFacts facts() const;
  [[nodiscard]] Result<std::vector<std::string>> runtime_command() const;
  void report_failed_init(PhaseEnd end, InitPhase phase, Clock::time_point began);
  /// `failed`: what its processes had sent was taken and acknowledged.
  [[nodiscard]] PhaseEnd wait_phase(Clock::time_point deadline,
                                    const std::function<bool(const Generation&)>& done);
  void wait_for_last_words();

  // environment_restore.cpp
  void take_snapshot();
  [[nodiscard]] bool restore_for(const std::shared_ptr<Invocation>& invocation,
                                 Clock::time_point& deadline);
  [[nodiscard]] PhaseEnd restore();
  void fail_restore(const std::shared_ptr<Invocation>& invocation, PhaseEnd end);

  // environment_invoke.cpp
  void invoke(const std::shared_ptr<Invocation>& invocation);
  [[nodiscard]] bool init_for(const std::shared_ptr<Invocation>& invocation,
                              Clock::time_point& deadline);
  void deliver(const std::shared_ptr<Invocation>& invocation, Clock::time_point deadline);
  void end_well(const std::shared_ptr<Invocation>& invocation);
  void end_badly(const std::shared_ptr<Invocation>& invocation, PhaseEnd end);
  [[nodiscard]] GenerationFailure failure_of(PhaseEnd end);
  struct RuntimeEnd {
    std::string status = {};  ///< empty: it asked for the next event
    std::string error_type = {};
  };
  void tell_runtime_done(const Invocation& invocation, const RuntimeEnd& how);
  void write_report(const std::string& request_id,
                    const std::string& status,
                    const std::string& error_type);
  void freeze();
  void thaw();
  void record_dropped(const DroppedConnections& dropped) const;
  void draw(const Invocation& invocation);
  [[nodiscard]] int memory_used_mb() const;

  // environment_managed.cpp
  struct Waiting {
    std::shared_ptr<Invocation> invocation;
    Clock::time_point until;
  };
  struct Flight {
    std::shared_ptr<Invocation> invocation;
    Clock::time_point began;
    Clock::time_point deadline;
    std::string log;  ///< the platform's records of it
  };
  [[nodiscard]] bool try_assign_managed(const std::shared_ptr<Invocation>& invocation, Fit fit);
  void run_managed();
  void extend_waits();
  [[nodiscard]] PhaseEnd serve_next();
  [[nodiscard]] bool wait_for_work();
  void begin_waiting();
  void begin(const std::shared_ptr<Invocation>& invocation);
  void end_answered();
  void end_expired();
  void end_all(PhaseEnd end);
  void end_flight(const Flight& flight,
                  const std::string& status,
                  const GenerationFailure& failure);

  // environment_shutdown.cpp
  void shut_down(const std::string& reason);
  void end_generation(const std::string& reason, Clock::time_point start);
  void end_runtime(Clock::time_point start, std::chrono::milliseconds budget);
  void end_extensions(const std::string& reason,
                      Clock::time_point start,
                      std::chrono::milliseconds budget);
  [[nodiscard]] std::chrono::milliseconds shutdown_budget() const;
  [[nodiscard]] bool wait_exit(const std::string& who, Clock::time_point deadline);
  void signal_to(const std::string& who, int signal);

  const World world_;
  const int number_;
  const std::string log_stream_;
  std::string private_tmp_;
  mutable Monitor monitor_;
  Telemetry telemetry_;
  TaskTimes task_times_;
  LogCollector log_;
  PlatformLog platform_log_;
  std::unique_ptr<HttpListener> listener_;
  ApiSettings api_settings_;
  Faults faults_;
  std::unique_ptr<Sandbox> sandbox_;
  std::unique_ptr<Freezer> freezer_;

  // Guarded by the monitor.
  std::shared_ptr<Generation> generation_;
  std::shared_ptr<Invocation> pending_;
  std::deque<Waiting> queue_;  ///< on Managed Instances, as occupied_: queued and in flight
  std::size_t occupied_ = 0;
  bool accepting_ = false;
  bool stopping_ = false;
  bool vanishing_ = false;
  bool ended_ = false;

  // Of the environment's thread.
  int generations_ = 0;
  bool suppressed_init_ = false;  ///< an init failed or a reset came: the next init is the caller's
  std::vector<Flight> flights_;
  std::map<std::string, pid_t> pids_;
  Clock::time_point began_;
  std::optional<Milliseconds> init_duration_;  ///< until it was reported, as the next one
  std::optional<Milliseconds> restore_duration_;
  bool runtime_done_ = false;  ///< with this invocation, and it was told
  bool snapshot_ = false;      ///< the processes are as they were at the end of their init

  std::jthread thread_;
};

}  // namespace postlude::emulator
