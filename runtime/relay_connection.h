#pragma once

#include "common/unique_fd.h"
#include "runtime/collected_answer.h"
#include "runtime/function_api.h"
#include "runtime/platform_side.h"
#include "runtime/relay_context.h"
#include "runtime/relay_exchange.h"
#include "runtime/runtime_side.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

namespace postlude::runtime {

/// One connection of the runtime and its own connection to the platform. Bytes pass both ways as
/// they were received; framing is only watched. One exchange at a time: a pipelined request waits
/// until the answer before it passed.
///
/// An early answer (contract.md 5) is relayed too, under a head of ours, and what the platform says
/// of it is put into the local API's words. Unless it is streamed, its first 64 KiB go up together,
/// so that a small one goes up whole or not at all.
///
/// Where buffered results are to be streamed (ResponseMode), an answer is collected first and goes
/// up as CollectedAnswer gives it out. Of one that is cut while it is collected nothing went up.
///
/// An event of our own is written to a poll that is held; its body comes from a file, one block at
/// a time.
///
/// Closing is mirrored: an end of stream becomes a half-close, a reset becomes a reset. Exceptions:
/// a parked poll stays at the platform (OrphanPoll); a whole request still gets its answer, though
/// the runtime may not read it; an answer that came early is not destroyed by the close behind it
/// (LingeringClose); and a request that crosses the end of an idle connection of the platform goes
/// up on a new one.
///
/// Runs on the loop's thread.
class RelayConnection {
 public:
  RelayConnection(RelayContext& context, UniqueFd runtime);
  RelayConnection(const RelayConnection&) = delete;
  RelayConnection& operator=(const RelayConnection&) = delete;
  ~RelayConnection() = default;

  /// A poll or an answer of this connection is held: ask again whether it may go up.
  void resume();
  /// The runtime's stream ended in the middle of a message, and all of it went up: only the
  /// platform's word on the fragment is still to come.
  [[nodiscard]] bool cut_short() const {
    return phase_ == Phase::relaying && runtime_.requests().ended() &&
           !runtime_.requests().unsent() && !exchange_.request_done();
  }
  /// A whole request that is no poll waits for the platform's answer.
  [[nodiscard]] bool awaits_answer() const {
    return passing() && !exchange_.is_poll() && exchange_.request_done();
  }

 private:
  enum class Phase {
    idle,      ///< between exchanges
    held,      ///< a poll or an answer waits for leave to go up
    relaying,  ///< request and answer pass
    adopting,  ///< as relaying, but another connection's poll is up: this request stays here
    early,     ///< as relaying, but the platform's answer is for us, and ours for the function
    local,     ///< the request is swallowed and answered here
    closing,   ///< the last bytes go to the runtime
    finished,  ///< about to be destroyed
  };

  // Requests. Those that are answered here, or go up as ours: relay_local.cpp.
  void on_runtime(short revents);
  void read_request();
  void pump_request();
  [[nodiscard]] bool take_request_step();
  [[nodiscard]] bool begin_exchange(std::size_t head_size);
  [[nodiscard]] bool begin_poll(std::size_t head_size);
  [[nodiscard]] bool begin_own_event(std::size_t head_size);
  [[nodiscard]] bool begin_answer(const Exchange& exchange, std::size_t head_size);
  void begin_early(const AnswerTurn& turn, std::size_t head_size);
  [[nodiscard]] bool begin_local(LocalAnswer answer, std::size_t head_size);
  [[nodiscard]] bool hold(std::size_t head_size);
  void allow_body();
  void answer_here();
  [[nodiscard]] bool place_event_piece();
  /// The answer of a call that had to wait for others.
  void replied(std::string message);
  void refuse_request();
  void send_request();

  // Answers.
  void on_platform(short revents);
  void read_answer();
  void pump_answer();
  void pump_early_answer();
  void send_answer();

  // Answers that are collected (relay_collecting.cpp).
  void collect_if_buffered();
  void collect(const FramingStep& step);
  [[nodiscard]] bool send_collected();
  void drop_collected();

  // Ends (relay_endings.cpp).
  [[nodiscard]] bool end_exchange_if_done();
  void runtime_ended();
  void runtime_reset();
  void runtime_gone();
  void orphan_poll();
  void platform_ended();
  void platform_reset();
  bool platform_left_early();
  [[nodiscard]] bool platform_is_dispensable();
  void close_when_sent();
  void finish();

  void update_events();
  [[nodiscard]] bool passing() const {
    return phase_ == Phase::relaying || phase_ == Phase::adopting || phase_ == Phase::early;
  }
  /// A whole poll waits at the platform; one that gets an event of ours does not.
  [[nodiscard]] bool parked() const { return passing() && exchange_.parked(); }
  [[nodiscard]] bool collecting() const { return collected_ && collected_->collecting(); }
  /// An answer of which nothing has gone up yet, early or collected.
  [[nodiscard]] bool all_here() const {
    return collecting() || (phase_ == Phase::early && !went_up_);
  }
  /// It waits for its rest, or an early one for a block of it.
  [[nodiscard]] bool gathers() const;
  [[nodiscard]] bool may_read_request() const;

  RelayContext& context_;
  RuntimeSide runtime_;
  PlatformSide platform_;
  RelayExchange exchange_;
  Phase phase_ = Phase::idle;
  std::size_t held_head_ = 0;
  LocalAnswer local_;
  std::optional<OwnEvent> own_event_;  ///< until its last byte was placed
  std::uint64_t event_placed_ = 0;
  bool answers_handler_ = false;                ///< local: an answer of a handler attempt
  std::unique_ptr<CollectedAnswer> collected_;  ///< until its last byte was sent
  std::string named_;     ///< the invocation, as a deferral or an inspection names it
  std::string deferred_;  ///< the body of a deferral, no more of it than tells that it is too large
  /// While a reply is due; whoever is to call finds out by it whether this object still exists.
  std::shared_ptr<RelayConnection*> awaiting_;
  bool went_up_ = false;
  bool streams_ = false;  ///< an early answer: each piece goes up as it comes
};

}  // namespace postlude::runtime
