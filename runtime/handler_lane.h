#pragma once

#include "common/messages.h"
#include "common/unique_fd.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postlude::runtime {

/// An event of our own, for the runtime's `next`.
struct OwnEvent {
  std::string head;  ///< of the whole HTTP answer
  UniqueFd body;     ///< read from its start
  std::uint64_t bytes = 0;
};

/// The attempt of a handler task that is in the runtime, or on its way there: one at a time, since
/// a runtime takes one event at a time. Pure but for the open file it keeps.
///
///   none --offer--> offered --take--> served --begin_answer--> answering --answered--> answered
///    ^                                   ^------- answer_cut -------+                      |
///    +----------------------------------- polled ------------------------------------------+
///
/// A runtime that polls while it is served has no answer for it.
class HandlerLane {
 public:
  /// Replaces what was offered and not taken.
  void offer(Reenter attempt, UniqueFd event);
  /// The runtime polls, and gets it. Nothing where nothing is offered.
  [[nodiscard]] std::optional<OwnEvent> take();
  /// The runtime asks for its next event, which ends an attempt that is in it: the request id of
  /// one that it leaves without an answer.
  [[nodiscard]] std::optional<std::string> polled();
  /// The head of an answer was read. False: another one is under way, which comes first.
  [[nodiscard]] bool begin_answer();
  /// The answer under way will not be whole.
  void answer_cut();
  /// An answer of it was read whole. Only the first one counts: false for any other.
  [[nodiscard]] bool answered();
  void clear() { state_ = State::none; }
  /// Whoever asked for it is gone: one that is offered is withdrawn, one that is in the runtime
  /// goes on, and nobody waits for its end.
  void disown();

  [[nodiscard]] bool offered() const { return state_ == State::offered; }
  /// Somebody waits for the end of the attempt.
  [[nodiscard]] bool wanted() const { return wanted_; }
  /// It is in the runtime, answered or not.
  [[nodiscard]] bool busy() const { return state_ != State::none && state_ != State::offered; }
  [[nodiscard]] bool has_answer() const { return state_ == State::answered; }
  [[nodiscard]] bool is(std::string_view request_id) const {
    return busy() && attempt_.request_id == request_id;
  }
  /// The last one that the runtime took. The platform knows nothing of its request id.
  [[nodiscard]] bool was_last(std::string_view request_id) const {
    return !last_taken_.empty() && last_taken_ == request_id;
  }
  [[nodiscard]] const Reenter& attempt() const { return attempt_; }

 private:
  enum class State { none, offered, served, answering, answered };

  State state_ = State::none;
  bool wanted_ = true;
  Reenter attempt_;
  UniqueFd event_;
  std::string last_taken_;
};

/// The head under which the runtime gets the event (lambda-protocol.md 1.2). Pure.
[[nodiscard]] std::string own_event_head(const Reenter& attempt);

}  // namespace postlude::runtime
