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
///       ^                      | refused (any other status, or cut before a byte went up)
///       +----------------------+
///
/// Only the first answer under way counts, and the platform never sees two: where one of them comes
/// from the function over the local API (an early answer), the other waits until the first is
/// settled. Then the runtime's is discarded and the function's refused; or, if the first one was
/// refused, the other becomes the answer. Two of the runtime are the platform's business, as
/// without us. Once answered, later answers change nothing. The invocation is over when it is
/// answered and the runtime has asked for its next event, or when the runtime is gone.
class Invocation {
 public:
  enum class AnswerKind { response, error };
  enum class AnswerSource {
    runtime,   ///< the Runtime API
    function,  ///< the local API: an early answer
  };
  /// What becomes of an answer that begins.
  enum class Turn {
    counts,    ///< it is the answer
    waits,     ///< ask again when the one under way is settled
    discards,  ///< the invocation was answered early; nobody needs it any more
    refused,   ///< an early answer to an invocation that has its answer
    ignored,   ///< the platform will refuse it
  };

  /// What the event's head said. Times are the platform's.
  struct Description {
    InvocationKey key;
    EpochTime event_time;
    EpochTime deadline;
    std::string function_arn;
    std::string trace_id;
    std::optional<std::string> tenant_id;
    std::string invocation_id;     ///< Lambda-Runtime-Invocation-Id; empty where there is none
    std::string cognito_identity;  ///< JSON text; empty where there is none
  };

  explicit Invocation(Description description) : about_(std::move(description)) {}

  [[nodiscard]] const Description& about() const { return about_; }
  [[nodiscard]] const std::optional<Outcome>& outcome() const { return outcome_; }
  [[nodiscard]] AnswerKind answer_kind() const { return kind_; }
  [[nodiscard]] EpochTime response_end() const { return response_end_; }
  [[nodiscard]] const std::optional<std::string>& late_error_type() const { return late_error_; }

  [[nodiscard]] Turn begin_answer(AnswerKind kind, AnswerSource source = AnswerSource::runtime);
  /// The answer that counts was given up before a byte of it went up.
  void answer_withdrawn();
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

  [[nodiscard]] bool runtime_gone() const { return runtime_gone_; }
  [[nodiscard]] bool answering() const { return state_ == State::answering; }
  [[nodiscard]] bool answering_early() const {
    return answering() && source_ == AnswerSource::function;
  }
  [[nodiscard]] bool over() const { return runtime_gone_ || (outcome_ && next_asked_); }

 private:
  enum class State { unanswered, answering, answered };

  void settle(Outcome outcome, EpochTime at);

  Description about_;
  State state_ = State::unanswered;
  AnswerKind kind_ = AnswerKind::response;
  AnswerSource source_ = AnswerSource::runtime;  ///< of the answer under way, or given
  std::optional<Outcome> outcome_;
  std::optional<std::string> late_error_;
  EpochTime response_end_;
  bool error_trailer_ = false;
  bool next_asked_ = false;
  bool runtime_gone_ = false;
};

}  // namespace postlude::runtime
