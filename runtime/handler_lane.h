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
///   none --offer--> offered --take--> served --answered--> answered --polled--> none
///
/// A runtime that polls while it is served has no answer for it.
class HandlerLane {
 public:
  /// Replaces what was offered and not taken.
  void offer(Reenter attempt, UniqueFd event);
  /// The runtime polls, and gets it. Nothing where nothing is offered.
  [[nodiscard]] std::optional<OwnEvent> take();
  /// The runtime asks for its next event: the request id of an attempt that it leaves without an
  /// answer.
  [[nodiscard]] std::optional<std::string> polled();
  /// An answer of it was read whole. Only the first one counts: false for any other.
  [[nodiscard]] bool answered();
  void clear() { state_ = State::none; }

  [[nodiscard]] bool offered() const { return state_ == State::offered; }
  /// It is in the runtime: served or answered.
  [[nodiscard]] bool busy() const { return state_ == State::served || state_ == State::answered; }
  [[nodiscard]] bool has_answer() const { return state_ == State::answered; }
  [[nodiscard]] bool is(std::string_view request_id) const {
    return busy() && attempt_.request_id == request_id;
  }
  [[nodiscard]] const Reenter& attempt() const { return attempt_; }

 private:
  enum class State { none, offered, served, answered };

  State state_ = State::none;
  Reenter attempt_;
  UniqueFd event_;
};

/// The head under which the runtime gets the event (lambda-protocol.md 1.2). Pure.
[[nodiscard]] std::string own_event_head(const Reenter& attempt);

}  // namespace postlude::runtime
