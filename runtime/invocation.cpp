#include "runtime/invocation.h"

namespace postlude::runtime {

Invocation::Turn Invocation::begin_answer(AnswerKind kind, AnswerSource source) {
  const bool early = source == AnswerSource::function;
  const bool other_is_early = source_ == AnswerSource::function;
  switch (state_) {
    case State::unanswered:
      state_ = State::answering;
      kind_ = kind;
      source_ = source;
      error_trailer_ = false;
      return Turn::counts;
    case State::answering:
      return early || other_is_early ? Turn::waits : Turn::ignored;
    case State::answered:
      break;
  }
  if (early) {
    return Turn::refused;
  }
  return other_is_early ? Turn::discards : Turn::ignored;
}

void Invocation::answer_withdrawn() {
  if (state_ == State::answering) {
    state_ = State::unanswered;
  }
}

void Invocation::answer_cut(EpochTime at) {
  if (state_ == State::answering) {
    settle(Outcome::failure, at);
  }
}

void Invocation::acknowledge(int status, EpochTime at) {
  constexpr int kAccepted = 202;
  constexpr int kGone = 410;      // the attempt timed out (lambda-protocol.md 1.9)
  constexpr int kTooLarge = 413;  // the caller gets an error instead (1.3)
  if (state_ != State::answering) {
    return;
  }
  if (status == kAccepted) {
    const bool failed = kind_ == AnswerKind::error || error_trailer_;
    settle(failed ? Outcome::failure : Outcome::success, at);
  } else if (status == kGone || status == kTooLarge) {
    settle(Outcome::failure, at);
  } else {
    state_ = State::unanswered;
  }
}

void Invocation::runtime_died(EpochTime at) {
  runtime_gone_ = true;
  if (state_ != State::answered) {
    settle(Outcome::failure, at);
  }
}

void Invocation::settle(Outcome outcome, EpochTime at) {
  state_ = State::answered;
  outcome_ = outcome;
  if (response_end_ == EpochTime{}) {
    response_end_ = at;
  }
}

}  // namespace postlude::runtime
