#pragma once

#include "common/child_process.h"
#include "common/event_loop.h"
#include "common/receipt_writer.h"
#include "runtime/handler_lane.h"
#include "runtime/hold.h"
#include "runtime/inspections.h"
#include "runtime/invocation.h"
#include "runtime/relay_traffic.h"
#include "runtime/task_journal.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace postlude::runtime {

/// Follows the invocations through the relay's traffic: opens one with each event, fixes its
/// outcome, has its tasks accepted, closes it when the runtime asks for the next event, and holds
/// that request back where needed. Runs on the loop's thread.
class InvocationFlow {
 public:
  /// Everything passed outlives this object. `resume_polls`: a held poll may go up now.
  /// `settled`: work that somebody may wait for has ended.
  struct Events {
    std::function<void()> resume_polls;
    std::function<void()> settled;
    std::function<void(std::uint64_t sequence)> began;  ///< an event goes to the runtime
    /// Nothing holds the environment any more: no invocation is open, no work is at hand.
    std::function<void()> over;
    /// The extension went with these tasks; none goes on with them.
    std::function<void(const std::vector<std::string>& task_ids)> lost;
  };

  InvocationFlow(
      EventLoop& loop, TaskJournal& journal, ExtensionLink& link, Log log, ReceiptWriter receipts);
  InvocationFlow(const InvocationFlow&) = delete;
  InvocationFlow& operator=(const InvocationFlow&) = delete;
  ~InvocationFlow();

  void on(Events events) { events_ = std::move(events); }
  /// The functions the relay calls; they refer to this object.
  [[nodiscard]] RelayTraffic traffic();

  /// Managed Instances: invocations overlap (invocation_overlap.cpp). Before any traffic.
  void expect_overlap();

  void extension_is(ExtensionState state);
  /// It is `unavailable` from now on.
  void extension_lost(Loss loss);
  [[nodiscard]] ExtensionState extension() const { return hold_.extension(); }
  /// Another process is on its way in the place of one that died; its hello was sent.
  void extension_replaced(ExtensionState state);
  /// The platform takes registrations until the runtime's first poll.
  [[nodiscard]] bool registration_open() const { return hold_.registration_open(); }
  /// The extension has something to do for us, or an answer to give.
  [[nodiscard]] bool awaits_extension() const;
  /// A registered extension that has not settled its invocation by then makes the function time
  /// out. Nothing where there is no such invocation.
  [[nodiscard]] std::optional<EpochTime> release_deadline() const;

  void replayed(const Replayed& replayed);
  void settled(const Settled& settled);
  /// A handler task is to run in the runtime. `event` is missing where it was lost on the way.
  void reenter(const Reenter& reenter, std::vector<UniqueFd> event);
  void handlers_done(const HandlersDone& done);
  void task_states(const TaskStates& states) { inspections_.arrived(states); }

  /// The runtime is gone and what it had sent has passed. Fixes what is still open.
  void runtime_died(ExitStatus status);

  /// Work of invocations that were answered while the runtime lived is not settled yet.
  [[nodiscard]] bool work_pending() const;
  /// An answer that counts is on its way to the platform.
  [[nodiscard]] bool answering() const;
  [[nodiscard]] bool idle() const { return open_.empty(); }

 private:
  struct Open {
    Invocation invocation;
    std::optional<InvocationBodies> bodies = {};
    std::optional<EpochTime> work_deadline = {};  ///< set once the outcome was acted on
    std::size_t accepted = 0;
    std::size_t handlers = 0;    ///< handler tasks among the accepted ones
    bool told_idle = false;      ///< the extension knows that the runtime waits
    bool handlers_done = false;  ///< none will run in its time any more
    std::optional<EventLoop::TimerId> timeout = {};
    std::optional<EventLoop::TimerId> deadline = {};  ///< only where invocations overlap
    std::vector<ReceiptTask> dropped = {};  ///< of the accepted ones: their ends are ours to tell
    bool told_answered = false;             ///< the extension knows that it was answered
    bool took_configured = false;           ///< its configured tasks are among the accepted ones
  };

  /// What is different where workers poll while others work, and before their own handlers are
  /// done: a poll ends nothing. An invocation is closed with its answer, and lingers until its
  /// deadline, because its handler may go on and defer more.
  struct Overlap {
    std::vector<std::unique_ptr<Open>> lingering;  ///< in the order of their ends
    bool poll_is_fresh = false;                    ///< the poll at hand was not asked about yet
    bool poll_is_held = false;                     ///< one waits for a handler task
  };

  /// Closed, and not settled yet.
  struct Unsettled {
    Closed closed;
    EpochTime release_deadline;
    EpochTime hold_deadline;
    bool told_answered = false;
    bool has_work = false;  ///< tasks of it, or carried ones, may be at work
  };

  void poll_asked(ExchangeKind kind);
  [[nodiscard]] bool may_poll();
  void poll_went_up();
  std::uint64_t event_head(const HttpHead& head);
  AnswerTurn answer_head(const Exchange& exchange, const HttpHead& head);
  AnswerTurn early_answer(const Exchange& exchange, const HttpHead& head);
  AnswerTurn begin_answer(Open& open, ExchangeKind kind, const HttpHead& head);
  void answer_cut(std::uint64_t sequence);
  void answer_trailers(Open& open, std::string_view lines);

  [[nodiscard]] Open* find(std::uint64_t sequence);
  [[nodiscard]] Open* find(std::string_view request_id);
  /// What a call of the local API is about: an invocation, or a handler attempt in its time.
  struct Subject {
    Open* open = nullptr;
    std::string request_id;
    EpochTime deadline;
    bool responded = false;
    int depth = 0;
  };
  /// As the local API names it: by request id, or "current".
  [[nodiscard]] tl::expected<Subject, ApiError> resolve(std::string_view id);
  [[nodiscard]] tl::expected<Open*, ApiError> resolve_invocation(std::string_view id);
  void late_error(Open& open, const HttpHead& head);
  void add_handlers_to(RelayTraffic& traffic);
  AnswerTurn handler_answer(const Exchange& exchange, const HttpHead& head);
  void handler_bytes(std::string_view bytes);
  void handler_trailers(std::string_view lines);
  void handler_answered();
  void handler_cut();
  void tell_attempt_ended(std::string trouble);
  void leave_attempt();
  /// It goes on when the runtime asks for its next event again, or the extension says so.
  [[nodiscard]] bool waits_for_handlers(Open& open);
  /// Something waits for handler tasks that may still come: until when at most.
  [[nodiscard]] std::optional<EpochTime> handlers_until();
  void forget_handlers();
  /// Acts on an outcome that is new, closes what is over.
  void advance(Open& open, HandOver hand_over = HandOver::at_once);
  void act_on_outcome(Open& open, HandOver hand_over);
  void close(Open& open, HandOver hand_over);
  [[nodiscard]] bool nobody_waits(const Open& closing) const;
  void tell_answered(Open& open);
  void timeout_comes_near(std::uint64_t sequence);
  void inspect(std::string_view id, Inspections::Reply reply);
  [[nodiscard]] tl::expected<std::string, ApiError> defer(std::string_view id,
                                                          std::string_view body);
  void look_whether_over();
  void note_carried(int tasks, int handlers);
  void tell_of_carried_work();
  void tell_again(const InvocationKey& key, std::optional<EpochTime> answered);
  void end_lost(Loss loss);
  void leave_out_workless();
  [[nodiscard]] static AnswerSummary summary_of(const Invocation& invocation);
  void write_receipt(const InvocationKey& key,
                     const std::optional<AnswerSummary>& answer,
                     std::vector<ReceiptTask> tasks);
  void release_poll_at(EpochTime time);
  void forget_release();
  // Managed Instances.
  [[nodiscard]] bool may_poll_overlapping();
  [[nodiscard]] std::optional<OwnEvent> own_event_overlapping();
  void watch_deadline(std::uint64_t sequence, EpochTime time);
  void time_is_over(std::uint64_t sequence);
  void linger(std::unique_ptr<Open> open);
  void forget_expired();
  [[nodiscard]] bool lingers(const Open& open) const;
  [[nodiscard]] Open* find_lingering(std::string_view request_id);
  void add_late(Open& open);
  void handler_attempt_over();
  /// What waits for the end of an early answer may go on, after the round.
  void wake_waiters();

  EventLoop& loop_;
  TaskJournal& journal_;
  ExtensionLink& link_;
  Log log_;
  ReceiptWriter receipts_;
  Events events_;
  Hold hold_;
  Inspections inspections_;
  HandlerLane lane_;
  bool poll_is_up_ = false;  ///< the runtime waits at the platform: nobody takes an attempt
  // Of a handler attempt's answer under way:
  std::string handler_trouble_;
  std::optional<std::string> handler_error_;  ///< the posted error, where its head does not name it
  std::vector<std::unique_ptr<Open>> open_;   ///< several only where the runtime runs them at once
  std::vector<Unsettled> unsettled_;
  std::optional<EventLoop::TimerId> release_timer_;
  std::optional<EventLoop::TimerId> over_timer_;
  bool waiters_ = false;  ///< polls or answers wait for the answer under way
  std::optional<Overlap> overlap_;
  std::uint64_t last_sequence_ = 0;
  int carried_ = 0;  ///< at least: after a replacement it is not known at once
  int carried_handlers_ = 0;
};

}  // namespace postlude::runtime
