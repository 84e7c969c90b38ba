#pragma once

#include "common/environment.h"
#include "common/event_loop.h"
#include "common/log.h"
#include "common/messages.h"
#include "common/packet_socket.h"
#include "common/signals.h"
#include "extension/attempts.h"
#include "extension/descendants.h"
#include "extension/extension_api.h"
#include "extension/held_records.h"
#include "extension/release.h"
#include "extension/schedule.h"
#include "extension/shim_link.h"
#include "extension/spill_forecast.h"

#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace postlude::extension {

/// The extension at work: carries what the shim, the platform, children and time report to the
/// schedule, and does what the schedule says. On one thread; what may block is done by Attempts.
class Conductor {
 public:
  Conductor(PacketSocket shim, Signals signals, Environment environment);

  /// Returns when the shim is gone, on SIGTERM, or when a shutdown is complete. No command is left
  /// running. The error: the shim speaks another protocol.
  [[nodiscard]] Result<void> run();

  /// After run(): a thread hangs in a look-up that nothing can interrupt, and destroying this
  /// object would wait for it.
  [[nodiscard]] bool busy() { return session_ && session_->attempts.busy(); }

 private:
  /// What the shim's first message makes possible.
  struct Session {
    Session(Conductor& conductor, const Hello& first, ExtensionApi::Handlers handlers);

    Hello hello;
    Schedule schedule;
    HeldRecords records;
    Release release;
    ExtensionApi platform;
    Attempts attempts;
  };

  void on_message(const Message& message);
  void on_garbage(const Error& error);
  void on(const Hello& hello);
  void on(const Answered& answered);
  void on(const Accepted& accepted);
  void on(const Dropped& dropped);
  void on(const Closed& closed);
  void on(const Idle& idle);
  void on(const HandlerEnded& ended);
  void on(const ShutDown& down);
  void on(const RuntimeGone& gone);
  void on(const Ping& ping);
  void on(const Inspect& inspect);
  template <class Other>
  void on(const Other& other);
  void replay(std::vector<FoundRecord> found);
  void replay_unread();
  [[nodiscard]] static bool may_be_unmatched(const FoundRecord& found);
  void not_read(const Accepted& accepted, const std::string& why);
  [[nodiscard]] bool matches_answer(std::uint64_t number);
  void on_registered(const Registered& registered);
  void on_platform_event(const PlatformEvent& event);
  void on_signal();
  void on_attempt_ended(std::uint64_t number, const AttemptResult& result);

  void apply(Steps steps);
  void perform(const StartAttempt& step);
  void perform(const StopAttempt& step);
  void perform(const NoteState& step);
  void perform(const EndTask& step);
  void perform(const RemoveRecord& step);
  void perform(const SpillTask& step);
  void perform(const HandlersDone& step);
  void perform(const WriteReceipt& step);
  void perform(const ReleaseInvocation& step);
  [[nodiscard]] AttemptInput input_for(std::uint64_t number);
  [[nodiscard]] bool rename(const RecordName& before, const RecordName& after);
  void leave();
  void ask_platform(Release::Verdict verdict);
  /// Connections may be gone without a word.
  void thawed();
  void set_timer();
  void foresee_spills();
  [[nodiscard]] std::vector<SpillForecast::Candidate> spill_candidates() const;
  EventLoop loop_;
  Signals signals_;
  Environment environment_;
  Log log_;
  Descendants descendants_;
  ShimLink shim_;
  std::optional<Session> session_;
  std::deque<Step> to_do_;
  bool doing_ = false;
  bool registered_ = false;  ///< the platform tells of its events
  bool runtime_gone_ = false;
  bool told_empty_ = false;
  bool superseded_ = false;  ///< a newer generation has the spool: nothing is done any more
  std::optional<EventLoop::TimerId> timer_;
  SpillForecast forecast_;
  std::optional<EventLoop::TimerId> forecast_timer_;
  std::minstd_rand random_;
  Result<void> outcome_;
};

}  // namespace postlude::extension
