#pragma once

#include "common/environment.h"
#include "common/event_loop.h"
#include "common/log.h"
#include "common/messages.h"
#include "common/packet_socket.h"
#include "common/signals.h"
#include "common/spool.h"
#include "extension/captures.h"
#include "extension/descendants.h"
#include "extension/extension_api.h"
#include "extension/release.h"
#include "extension/run_command.h"
#include "extension/schedule.h"
#include "extension/shim_link.h"

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>

namespace postlude::extension {

/// The extension at work: carries what the shim, the platform, children and time report to the
/// schedule, and does what the schedule says. One thread.
class Conductor {
 public:
  Conductor(PacketSocket shim, Signals signals, Environment environment);

  /// Returns when the shim is gone, on SIGTERM, or when a shutdown is complete. No command is left
  /// running. The error: the shim speaks another protocol.
  [[nodiscard]] Result<void> run();

 private:
  /// What the shim's first message makes possible.
  struct Session {
    Session(EventLoop& loop, const Hello& first, ExtensionApi::Handlers handlers);

    Hello hello;
    Spool spool;
    Schedule schedule;
    Captures captures;
    Release release;
    ExtensionApi platform;
  };

  struct HeldTask {
    TaskRecord record;
    std::unique_ptr<RunCommand> command;  ///< while an attempt runs
  };

  void on_message(const Message& message);
  void on_garbage(const Error& error);
  void on_hello(const Hello& hello);
  void on_accepted(const Accepted& accepted);
  [[nodiscard]] Result<TaskRecord> read_record(const std::optional<RecordName>& name,
                                               const std::vector<UniqueFd>& files) const;
  void on_closed(const Closed& closed);
  void on_inspect(const Inspect& inspect);
  void on_shut_down();
  void on_registered(const Registered& registered);
  void on_platform_event(const PlatformEvent& event);
  void on_signal();
  void on_attempt_ended(std::uint64_t number, const AttemptResult& result);

  void apply(Steps steps);
  void perform(const StartAttempt& step);
  void perform(const StopAttempt& step);
  void perform(const NoteInterruption& step);
  void perform(const EndTask& step);
  void perform(const SpillTask& step);
  void perform(const HandlersDone& step);
  void perform(const WriteReceipt& step);
  void perform(const ReleaseInvocation& step);
  [[nodiscard]] tl::expected<void, AttemptResult> start_command(HeldTask& task,
                                                                const StartAttempt& step);
  void rename(const RecordName& before, const RecordName& after);
  void ask_platform(Release::Verdict verdict);
  void set_timer();
  void end();

  EventLoop loop_;
  Signals signals_;
  Environment environment_;
  Log log_;
  Descendants descendants_;
  ShimLink shim_;
  std::optional<Session> session_;
  std::map<std::uint64_t, HeldTask> tasks_;  ///< by record number
  std::deque<Step> to_do_;
  bool doing_ = false;
  bool runtime_gone_ = false;
  std::optional<EventLoop::TimerId> timer_;
  std::minstd_rand random_;
  Result<void> outcome_;
};

}  // namespace postlude::extension
