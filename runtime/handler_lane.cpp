#include "runtime/handler_lane.h"

#include "common/http_head.h"

#include <utility>
#include <vector>

namespace postlude::runtime {

void HandlerLane::offer(Reenter attempt, UniqueFd event) {
  attempt_ = std::move(attempt);
  event_ = std::move(event);
  state_ = State::offered;
  wanted_ = true;
}

void HandlerLane::disown() {
  wanted_ = false;
  if (offered()) {
    clear();
  }
}

std::optional<OwnEvent> HandlerLane::take() {
  if (state_ != State::offered) {
    return std::nullopt;
  }
  state_ = State::served;
  last_taken_ = attempt_.request_id;
  return OwnEvent{own_event_head(attempt_), std::move(event_), attempt_.event_bytes};
}

std::optional<std::string> HandlerLane::polled() {
  if (!busy()) {
    return std::nullopt;
  }
  const bool unanswered = std::exchange(state_, State::none) != State::answered;
  return unanswered ? std::optional(attempt_.request_id) : std::nullopt;
}

bool HandlerLane::begin_answer() {
  if (state_ != State::served) {
    return false;
  }
  state_ = State::answering;
  return true;
}

void HandlerLane::answer_cut() {
  if (state_ == State::answering) {
    state_ = State::served;
  }
}

bool HandlerLane::answered() {
  if (state_ != State::served && state_ != State::answering) {
    return false;
  }
  state_ = State::answered;
  return true;
}

std::string own_event_head(const Reenter& attempt) {
  const std::string deadline = std::to_string(epoch_ms(attempt.deadline));
  const std::string length = std::to_string(attempt.event_bytes);
  std::vector<HeaderField> fields = {
      {"Content-Type", "application/json"},
      {"Content-Length", length},
      {"Lambda-Runtime-Aws-Request-Id", attempt.request_id},
      {"Lambda-Runtime-Deadline-Ms", deadline},
      {"Lambda-Runtime-Invoked-Function-Arn", attempt.function_arn},
      {"Lambda-Runtime-Client-Context", attempt.client_context},
  };
  if (!attempt.trace_id.empty()) {
    fields.push_back({"Lambda-Runtime-Trace-Id", attempt.trace_id});
  }
  if (!attempt.cognito_identity.empty()) {
    fields.push_back({"Lambda-Runtime-Cognito-Identity", attempt.cognito_identity});
  }
  if (attempt.tenant_id) {
    fields.push_back({"Lambda-Runtime-Aws-Tenant-Id", *attempt.tenant_id});
  }
  return write_head("HTTP/1.1 200 OK", fields);
}

}  // namespace postlude::runtime
