#pragma once

#include "common/child_process.h"
#include "common/environment.h"
#include "common/event_loop.h"
#include "common/log.h"
#include "common/signals.h"
#include "common/spool.h"
#include "common/tcp.h"
#include "runtime/config.h"
#include "runtime/extension_host.h"
#include "runtime/extension_link.h"
#include "runtime/invocation_flow.h"
#include "runtime/relay.h"
#include "runtime/supervisor.h"
#include "runtime/task_journal.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace postlude::runtime {

/// The shim as a whole: one thread, one loop. Puts the parts together, and decides when it is over:
/// the runtime is gone, what it had sent has passed, and nobody waits for deferred work any more.
class Shim {
 public:
  /// Listens, so that nothing started later can find a closed door. The error means: the function
  /// has to run without us.
  [[nodiscard]] static Result<std::unique_ptr<Shim>> create(Config config, Signals& signals);
  Shim(const Shim&) = delete;
  Shim& operator=(const Shim&) = delete;
  ~Shim() = default;

  /// Never fails: without extension, configured tasks end `dropped`.
  void start_extension(const Environment& environment);
  [[nodiscard]] Result<void> start_runtime(const std::vector<std::string>& command,
                                           Environment environment);

  /// Until the end; how the runtime ended.
  [[nodiscard]] ExitStatus run();

 private:
  Shim(Config config, Signals& signals, const TcpAddress& platform);

  void runtime_ended(ExitStatus status);
  void terminate();
  void finish_if_over();
  void runtime_drained();
  [[nodiscard]] bool runtime_has_passed() const;
  [[nodiscard]] bool extension_done() const;

  Config config_;
  Log log_;
  TcpAddress platform_;
  EventLoop loop_;
  Result<Spool> spool_;
  ExtensionLink link_;
  TaskJournal journal_;
  InvocationFlow flow_;
  RelayTraffic traffic_;
  std::unique_ptr<Relay> relay_;
  Supervisor supervisor_;
  ExtensionHost extension_;
  std::optional<ExitStatus> runtime_end_;
  bool drain_time_over_ = false;
  bool drained_ = false;  ///< after the runtime's end: what it had sent has passed
  bool terminating_ = false;
};

}  // namespace postlude::runtime
