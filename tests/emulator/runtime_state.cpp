#include "tests/emulator/runtime_state.h"

#include <cassert>
#include <utility>

namespace postlude::emulator {
namespace {

std::string name_of(RuntimePhase phase) {
  switch (phase) {
    case RuntimePhase::started:
      return "Started";
    case RuntimePhase::restore_ready:
      return "RestoreReady";
    case RuntimePhase::restoring:
      return "Restoring";
    case RuntimePhase::ready:
      return "Ready";
    case RuntimePhase::running:
      return "Running";
    case RuntimePhase::responding:
      return "InvocationResponse";
    case RuntimePhase::reporting_error:
      return "InvocationErrorResponse";
    case RuntimePhase::answered:
      return "RuntimeResponseSentState";
    case RuntimePhase::init_error:
      return "InitError";
  }
  return "Started";
}

}  // namespace

std::optional<Refusal> RuntimeState::poll() {
  switch (phase_) {
    case RuntimePhase::started:
    case RuntimePhase::restoring:
    case RuntimePhase::answered:
      phase_ = RuntimePhase::ready;
      return std::nullopt;
    case RuntimePhase::ready:
    case RuntimePhase::running:
      return std::nullopt;
    case RuntimePhase::restore_ready:
    case RuntimePhase::responding:
    case RuntimePhase::reporting_error:
    case RuntimePhase::init_error:
      break;
  }
  return runtime_transition(name_of(phase_), name_of(RuntimePhase::ready));
}

std::optional<Refusal> RuntimeState::restore_poll() {
  if (phase_ != RuntimePhase::started) {
    return runtime_transition(name_of(phase_), name_of(RuntimePhase::restore_ready));
  }
  phase_ = RuntimePhase::restore_ready;
  return std::nullopt;
}

std::optional<Refusal> RuntimeState::init_error() {
  if (phase_ != RuntimePhase::started && phase_ != RuntimePhase::restoring) {
    return runtime_transition(name_of(phase_), name_of(RuntimePhase::init_error));
  }
  phase_ = RuntimePhase::init_error;
  return std::nullopt;
}

void RuntimeState::deliver(AnswerIds ids) {
  assert(phase_ == RuntimePhase::ready);
  phase_ = RuntimePhase::running;
  current_ = std::move(ids);
  expired_ = false;
}

void RuntimeState::take_back() {
  if (phase_ == RuntimePhase::running) {
    phase_ = RuntimePhase::ready;
  }
}

std::optional<Refusal> RuntimeState::begin_answer(const AnswerIds& ids, RuntimePhase kind) {
  if (ids.invocation_id && current_.invocation_id &&
      (expired_ || *ids.invocation_id != *current_.invocation_id)) {
    return invoke_timeout();
  }
  if (expired_) {
    return invalid_request_id();
  }
  if (phase_ != RuntimePhase::running) {
    return runtime_transition(name_of(phase_), name_of(kind));
  }
  if (ids.request_id != current_.request_id) {
    return invalid_request_id();
  }
  phase_ = kind;
  return std::nullopt;
}

}  // namespace postlude::emulator
