#pragma once

#include "common/clock.h"
#include "common/messages.h"

#include <optional>
#include <string>

namespace postlude::runtime {

/// What the platform took as the answer (contract.md 4.2). Fixed once; nothing changes it later.
enum class Outcome {
  success,  ///< a response acknowledged with 202, whole and without error trailer
  failure,  ///< /error, 410, 413, error trailer, cut stream, death of the runtime
};

/// One invocation as seen from the shim: a state machine over what passed through the relay. Pure:
/// it says what is known and what may happen next, and does nothing.
///
///             begin_answer            acknowledge(202, 410, 413), cut, runtime_died
///   unanswered ----------> answering ------------------------------------------------> answered
///       ^                      | refused (any other status, or cut before the platform answered)
///       +----------------------+
///
/// Only the first answer under way counts; begin_answer refuses others until it is settled. Once
/// answered, later answers change nothing. The invocation is over when it is answered and the
/// runtime has asked for its next event, or when the runtime is gone.
class Invocation {
 public:
  enum class AnswerKind { response, error };

  /// What the event's head said. Times are the platform's.
  struct Description {
    InvocationKey key;
    EpochTime event_time;
    EpochTime deadline;
    std::string function_arn;
    std::string trace_id;
    std::optional<std::string> tenant_id;
  };

  explicit Invocation(Description description) : about_(std::move(description)) {}

  [[nodiscard]] const Description& about() const { return about_; }
  [[nodiscard]] const std::optional<Outcome>& outcome() const { return outcome_; }
  [[nodiscard]] AnswerKind answer_kind() const { return kind_; }
  [[nodiscard]] EpochTime response_end() const { return response_end_; }
  [[nodiscard]] const std::optional<std::string>& late_error_type() const { return late_error_; }

  /// True if this answer is the one that counts; false for a second one.
  [[nodiscard]] bool begin_answer(AnswerKind kind);
  /// An error trailer of a streamed response passed.
  void error_trailer() { error_trailer_ = true; }
  /// The last byte of the answer was sent.
  void answer_sent(EpochTime at) { response_end_ = at; }
  /// The connection broke before the answer was whole.
  void answer_cut(EpochTime at);
  /// The platform's status for the answer that counts.
  void acknowledge(int status, EpochTime at);

  /// A /error that passed after the outcome was fixed.
  void late_error(std::string type) { late_error_ = std::move(type); }

  void next_asked() { next_asked_ = true; }
  /// The platform delivered the same event again: the runtime is at work on it again.
  void delivered_again() { next_asked_ = false; }
  void runtime_died(EpochTime at);

  [[nodiscard]] bool answering() const { return state_ == State::answering; }
  [[nodiscard]] bool over() const { return runtime_gone_ || (outcome_ && next_asked_); }

 private:
  enum class State { unanswered, answering, answered };

  void settle(Outcome outcome, EpochTime at);

  Description about_;
  State state_ = State::unanswered;
  AnswerKind kind_ = AnswerKind::response;
  std::optional<Outcome> outcome_;
  std::optional<std::string> late_error_;
  EpochTime response_end_;
  bool error_trailer_ = false;
  bool next_asked_ = false;
  bool runtime_gone_ = false;
};

}  // namespace postlude::runtime
