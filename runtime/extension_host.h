#pragma once

#include "common/child_process.h"
#include "common/environment.h"
#include "common/event_loop.h"
#include "common/log.h"
#include "common/messages.h"
#include "common/platform_facts.h"
#include "runtime/extension_link.h"
#include "runtime/extension_source.h"
#include "runtime/extension_state.h"
#include "runtime/invocation_flow.h"
#include "runtime/poll_takeover.h"
#include "runtime/restart_policy.h"
#include "runtime/supervisor.h"
#include "runtime/task_journal.h"
#include "runtime/watchdog.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace postlude::runtime {

/// The extension as a service: one process after the other, never two. Starts it, carries its
/// messages to the flow, notices that it died or hangs, and then replaces it: the successor finds
/// the tasks in the spool, is told again what only messages said, and runs them *driven*, since the
/// platform knows only the dead one, in whose stead the shim polls (design.md 1). Runs on the
/// loop's thread.
///
/// The external flavour's is not ours to start, to watch or to replace: its end is the end of the
/// environment, and what was handed over waits in the spool for the next generation.
class ExtensionHost {
 public:
  /// All of them outlive this object.
  struct Parts {
    EventLoop& loop;
    Supervisor& supervisor;
    ExtensionLink& link;
    TaskJournal& journal;
    InvocationFlow& flow;
  };
  /// How a process is started.
  struct Start {
    ExtensionSource source = ExtensionSource::own_child;
    InvocationOrder order = InvocationOrder::one_by_one;
    std::string program;
    Environment environment;  ///< of the function
  };

  struct Ends {
    /// A process ended, and none follows it.
    std::function<void()> stopped;
    /// The platform waits for a registered extension whose identifier nobody knows: this
    /// environment can only be given up.
    std::function<void()> start_over;
  };

  /// `hello` is what every process is told, apart from what changes with its turn.
  ExtensionHost(Parts parts, Log log, Hello hello, Ends ends);
  ExtensionHost(const ExtensionHost&) = delete;
  ExtensionHost& operator=(const ExtensionHost&) = delete;
  ~ExtensionHost() { rest(); }

  /// The first process. Never fails: without extension, configured tasks end `dropped`.
  void start(Start start);

  [[nodiscard]] ExtensionHealth health() const;
  /// Nothing of it is waited for any more: it has ended, or ends in a time of its own.
  [[nodiscard]] bool finished() const;

  // From the link:
  void on_message(const Message& message);
  void on_connected();
  void on_sent();
  void on_link_lost();
  /// From the supervisor: the process has ended and is reaped.
  void on_ended(ExitStatus status);
  // From the flow:
  void invocation_began(std::uint64_t sequence);
  void nothing_held() { takeover_.nothing_held(); }

  /// The environment ends before `deadline`: no process is replaced any more.
  void shut_down(EpochTime deadline);
  /// It was killed, and nobody can wait for its end any more: what it held is ended all the same.
  void out_of_time();
  /// A process that dies is replaced only while work of answered invocations is at hand; the
  /// environment is not to be released any more.
  void runtime_ended();

 private:
  void on_registered(const Registered& registered);
  void meet_platforms();
  void platforms_lost();
  void replace(std::string_view how);
  void give_up(std::string_view reason);
  [[nodiscard]] Result<void> launch(ExtensionState state);
  [[nodiscard]] ExtensionState state_of_successor() const;
  [[nodiscard]] bool needed() const;
  [[nodiscard]] bool waits() const;
  [[nodiscard]] bool overdue(EpochTime at) const;
  void end_overdue(EpochTime at);
  void tick();
  void arm();
  void rest();

  EventLoop& loop_;
  Supervisor& supervisor_;
  ExtensionLink& link_;
  TaskJournal& journal_;
  InvocationFlow& flow_;
  Log log_;
  Hello hello_;
  Ends ends_;
  Start start_;
  PollTakeover takeover_;
  RestartPolicy policy_;
  Watchdog watchdog_;
  std::optional<EventLoop::TimerId> tick_;
  EpochTime tick_due_;
  std::uint64_t pings_ = 0;
  bool first_ = true;       ///< no process was replaced yet
  bool connected_ = false;  ///< of the process at hand: ...
  bool spoke_ = false;      ///< its first word says that it has read the spool
  bool hung_ = false;       ///< it is being killed for it
  bool runtime_ended_ = false;
  bool terminating_ = false;
  bool hears_shutdown_ = false;  ///< from the platform itself
  bool empty_ = false;           ///< nothing is left that it could do
};

}  // namespace postlude::runtime
