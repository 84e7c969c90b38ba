#pragma once

#include "common/environment.h"
#include "common/event_loop.h"
#include "common/log.h"
#include "common/messages.h"
#include "common/packet_socket.h"
#include "common/platform_facts.h"
#include "common/receipt_writer.h"
#include "common/signals.h"
#include "extension/attempts.h"
#include "extension/descendants.h"
#include "extension/extension_api.h"
#include "extension/external_role.h"
#include "extension/held_records.h"
#include "extension/release.h"
#include "extension/schedule.h"
#include "extension/shim_link.h"
#include "extension/spill_forecast.h"

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace postlude::extension {

/// The extension at work: carries what the shim, the platform, children and time report to the
/// schedule, and does what the schedule says. On one thread; what may block is done by Attempts.
class Conductor {
 public:
  Conductor(PacketSocket shim, Signals signals, Environment environment);
  /// As the external extension: registers at once, and meets the shim at this door, if one comes
  /// (conductor_external.cpp).
  Conductor(PacketListener door, Signals signals, Environment environment);

  /// Returns when the shim is gone, on SIGTERM, or when a shutdown is complete. No command is left
  /// running. The external extension: only when the platform has ended the environment, because any
  /// exit of it is a crash. The error: the shim speaks another protocol, or the platform does not
  /// take the external extension.
  [[nodiscard]] Result<void> run();

  /// After run(): a thread hangs in a look-up that nothing can interrupt, and destroying this
  /// object would wait for it.
  [[nodiscard]] bool busy() { return session_ && session_->attempts.busy(); }

 private:
  /// What the shim's first message makes possible.
  struct Session {
    Session(Conductor& conductor, const Hello& first);

    Hello hello;
    ReceiptWriter receipts;
    Schedule schedule;
    HeldRecords records;
    Attempts attempts;
  };

  /// The external extension before, beside and after its shim.
  struct External {
    std::optional<PacketListener> door;  ///< until the shim has come
    std::optional<EventLoop::Slot> door_slot;
    ExternalRole role;
    std::optional<Registered> word;  ///< for the shim: what the platform said
    bool shim_came = false;
    bool shut_down = false;  ///< the platform said so: the end of this process is no crash
  };

  Conductor(Signals signals, Environment environment);
  void speak_to_platform(const std::string& address);
  void register_for(const Hello& hello);

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
  void on(const Restored& restored);
  void on(const Inspect& inspect);
  template <class Other>
  void on(const Other& other);
  void replay(std::vector<FoundRecord> found);
  void replay_unread();
  [[nodiscard]] static bool may_be_unmatched(const FoundRecord& found);
  void not_read(const Accepted& accepted,
                const std::string& why,
                const std::optional<RecordName>& damaged);
  [[nodiscard]] bool matches_answer(std::uint64_t number);
  void on_registered(const Registered& registered);
  void on_platform_event(const PlatformEvent& event);
  void on_link_closed();
  void nothing_left();
  // Of the external extension (conductor_external.cpp).
  void open_door();
  void answer_door();
  void take_environment();
  void external_registered(Registered registered);
  [[nodiscard]] bool external_event(const PlatformEvent& event);
  void shut_down_by_platform(const PlatformEvent& event);
  void shim_ended();
  void release_without_shim();
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
  std::optional<External> external_;
  std::unique_ptr<ExtensionApi> platform_;
  Release release_;
  InvocationOrder order_ = InvocationOrder::one_by_one;
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
  Result<void> outcome_;
};

}  // namespace postlude::extension
