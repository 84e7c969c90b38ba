#pragma once

#include "tests/emulator/refusal.h"

#include <optional>
#include <string>

namespace postlude::emulator {

enum class RuntimePhase {
  started,
  restore_ready,
  restoring,
  ready,
  running,
  responding,
  reporting_error,
  answered,
  init_error,
};

/// What a runtime says about the invocation it answers.
struct AnswerIds {
  std::string request_id;
  std::optional<std::string> invocation_id;  ///< header Lambda-Runtime-Invocation-Id
};

/// The runtime's side of the Runtime API as a state machine (lambda-protocol.md 1.8). Pure: whoever
/// owns it locks it. Every transition that is not listed is refused and changes nothing.
class RuntimeState {
 public:
  [[nodiscard]] RuntimePhase phase() const { return phase_; }

  /// GET next. In `running` it is allowed and means: the same event again.
  [[nodiscard]] std::optional<Refusal> poll();
  /// GET restore/next, and its answer.
  [[nodiscard]] std::optional<Refusal> restore_poll();
  void restored() { phase_ = RuntimePhase::restoring; }
  /// POST init/error, also while restoring.
  [[nodiscard]] std::optional<Refusal> init_error();

  /// The event goes out; only in `ready`.
  void deliver(AnswerIds ids);
  /// The connection broke under the event: somebody else may have it.
  void take_back();

  /// POST response or error, head read. `kind` is responding or reporting_error.
  [[nodiscard]] std::optional<Refusal> begin_answer(const AnswerIds& ids, RuntimePhase kind);
  void answer_done() { phase_ = RuntimePhase::answered; }

  /// The invocation ended without the runtime (timeout): what it says of it later is refused.
  void forget_invocation() { expired_ = true; }

 private:
  RuntimePhase phase_ = RuntimePhase::started;
  AnswerIds current_;
  bool expired_ = false;
};

}  // namespace postlude::emulator
