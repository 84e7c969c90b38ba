#pragma once

#include "common/event_loop.h"
#include "common/log.h"
#include "common/messages.h"
#include "extension/attempt_input.h"
#include "extension/attempt_job.h"
#include "extension/http_call.h"
#include "extension/run_command.h"
#include "extension/schedule_steps.h"
#include "extension/shim_link.h"
#include "extension/spills.h"
#include "extension/task_services.h"
#include "extension/workers.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace postlude::extension {

/// Runs attempts of every kind, and spills, each from its start to its result. Commands are
/// followed on the loop; what may block runs on a worker; handler tasks go to the shim. On the
/// loop's thread.
class Attempts {
 public:
  /// Everything outlives this object. `task_root` and `folder` are the function's, and the spool's.
  struct Place {
    EventLoop& loop;
    Descendants& descendants;
    const Log& log;
    ShimLink& shim;
    const Environment& environment;
    std::string task_root;
    std::string folder;
    int concurrency = 1;
  };
  /// Never called from within start(), spill() and stop(), except for what cannot be started, what
  /// is stopped at once, and what has ended when something is stopped.
  struct Events {
    std::function<void(std::uint64_t number, const AttemptResult&)> ended;
    /// `trouble` is empty where the dead letter took it.
    std::function<void(std::uint64_t number, const std::string& trouble)> spilled;
    /// A handler attempt goes to the runtime under this request id.
    std::function<void(std::uint64_t number, const std::string& request_id)> reentered;
  };

  Attempts(Place place, Events events);
  Attempts(const Attempts&) = delete;
  Attempts& operator=(const Attempts&) = delete;
  ~Attempts();

  /// `number` is the task's; `host` the invocation in whose time it runs.
  void start(std::uint64_t number, AttemptInput input, const InvocationKey& host);
  void spill(const SpillTask& step, AttemptInput input);
  void expect_spills(const std::string& target, const SpillForecast::Expected& expected) {
    spills_.expect(target, expected);
  }
  /// As StopAttempt says.
  void stop(std::uint64_t number, Millis grace);
  /// Ends everything of it at once; nothing is reported any more.
  void forget(std::uint64_t number);

  /// Call on SIGCHLD.
  void child_changed();
  void handler_ended(const HandlerEnded& ended);
  /// Before the environment may freeze: no connection stays open.
  void rest();
  /// The environment is a copy of a snapshot: what was fetched or opened before is thrown away.
  void forget_outside() { services_.forget(); }

  /// Threads are at work, perhaps in a look-up of a name that nothing can interrupt.
  [[nodiscard]] bool busy() { return workers_.busy() || spills_.busy(); }

  [[nodiscard]] const TaskServices& services() const { return services_; }

 private:
  struct Running {
    std::uint64_t serial = 0;  ///< tells attempts of one task apart
    std::shared_ptr<const AttemptInput> input;
    InvocationKey host;
    std::unique_ptr<RunCommand> command;
    std::shared_ptr<HttpCall> call;
    std::string handler_request;
  };

  void run_on_worker(std::uint64_t number);
  void stop_gently(std::uint64_t number, Millis grace);
  void job_ended(std::uint64_t number, std::uint64_t serial, JobEnd end);
  void start_command(std::uint64_t number, const CommandAction& action);
  void reenter(std::uint64_t number, HandlerEvent event);
  [[nodiscard]] bool ended_before_it_began(std::uint64_t number);
  void end(std::uint64_t number, const AttemptResult& result);
  [[nodiscard]] Running* find(std::uint64_t number, std::uint64_t serial);

  Place place_;
  Events events_;
  TaskServices services_;
  std::map<std::uint64_t, Running> running_;
  std::uint64_t last_serial_ = 0;
  Spills spills_;
  Workers workers_;
};

}  // namespace postlude::extension
