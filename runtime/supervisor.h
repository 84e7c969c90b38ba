#pragma once

#include "common/child_process.h"
#include "common/environment.h"
#include "common/event_loop.h"
#include "common/log.h"
#include "common/signals.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace postlude::runtime {

/// The shim's two children: starts them, hands signals on, notices their end. Runs on the loop's
/// thread, which must be the one that starts the children (their parent-death signal is bound to
/// it).
class Supervisor {
 public:
  struct Events {
    std::function<void(ExitStatus)> runtime_ended;
    std::function<void(ExitStatus)> extension_ended;
    /// The platform's SIGTERM came, for the first time. The runtime has got it already.
    std::function<void()> terminating;
  };

  /// `signals` delivers SIGCHLD and what is to be handed on.
  Supervisor(EventLoop& loop, Signals& signals, Events events);
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;
  /// Ends what is left of both children.
  ~Supervisor();

  /// The extension leads a group of its own, so that it outlives the signals meant for the runtime,
  /// and gets SIGTERM when the shim dies. Only while none runs; after `extension_ended` the next
  /// one may be started, also from within it.
  [[nodiscard]] Result<void> start_extension(const std::string& program,
                                             const std::string& link_name,
                                             Environment environment);

  /// The runtime leads a group of its own, inherits every descriptor, and dies with the shim.
  [[nodiscard]] Result<void> start_runtime(const std::vector<std::string>& command,
                                           Environment environment);

  [[nodiscard]] bool runtime_runs() const { return runtime_.has_value(); }
  [[nodiscard]] bool extension_runs() const { return extension_.has_value(); }
  void kill_runtime();
  /// Its end is reported as any other one.
  void kill_extension();

 private:
  void on_signals();
  void hand_on(int signal);
  void reap_children();

  EventLoop& loop_;
  Signals& signals_;
  Events events_;
  EventLoop::Slot slot_;
  std::optional<pid_t> runtime_;
  std::optional<pid_t> extension_;
  bool terminating_ = false;
};

}  // namespace postlude::runtime
