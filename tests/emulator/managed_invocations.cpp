#include "tests/emulator/managed_invocations.h"

#include "tests/emulator/invocation.h"

#include <algorithm>
#include <utility>

namespace postlude::emulator {

ManagedInvocations::Worker ManagedInvocations::poll() {
  idle_.push_back(++last_worker_);
  return last_worker_;
}

std::optional<RuntimeEvent> ManagedInvocations::gone(Worker worker) {
  std::erase(idle_, worker);
  return take(worker);
}

ManagedInvocations::Offer ManagedInvocations::offer(const RuntimeEvent& event) {
  const std::string& id = event.invocation->request().request_id;
  if (running_.contains(id)) {
    return Offer::duplicate;
  }
  if (idle_.empty()) {
    return Offer::unavailable;
  }
  running_[id] = {event, State::running};
  assigned_[idle_.front()] = event;
  idle_.pop_front();
  return Offer::taken;
}

std::optional<RuntimeEvent> ManagedInvocations::take(Worker worker) {
  const auto found = assigned_.find(worker);
  if (found == assigned_.end()) {
    return std::nullopt;
  }
  RuntimeEvent event = std::move(found->second);
  assigned_.erase(found);
  return event;
}

Refusal ManagedInvocations::refuse_late(const std::string& request_id) {
  // One late answer is told so; the id is forgotten with it.
  return std::erase(expired_, request_id) > 0 ? invoke_timeout() : invalid_request_id();
}

std::variant<std::shared_ptr<Invocation>, Refusal> ManagedInvocations::begin_answer(
    const AnswerIds& ids, RuntimePhase kind) {
  const auto found = running_.find(ids.request_id);
  if (found == running_.end()) {
    return refuse_late(ids.request_id);
  }
  Running& one = found->second;
  const std::string& attempt = one.event.invocation->request().attempt_id;
  const bool other = ids.invocation_id && !attempt.empty() && *ids.invocation_id != attempt;
  const bool is_error = kind == RuntimePhase::reporting_error;
  const bool free = one.state == State::running || (is_error && one.state == State::responding);
  if (other && free) {
    return invoke_timeout();
  }
  if (!free) {
    return invalid_request_id();
  }
  one.state = is_error ? State::reporting_error : State::responding;
  return one.event.invocation;
}

void ManagedInvocations::answer_done(const std::string& request_id) {
  running_.erase(request_id);
}

void ManagedInvocations::expire(const std::string& request_id) {
  if (running_.erase(request_id) == 0) {
    return;
  }
  const auto waits = std::find_if(assigned_.begin(), assigned_.end(), [&](const auto& one) {
    return one.second.invocation->request().request_id == request_id;
  });
  if (waits != assigned_.end()) {
    idle_.push_front(waits->first);  // its poll was not answered
    assigned_.erase(waits);
  }
  expired_.push_back(request_id);
  if (expired_.size() > kRememberedTimeouts) {
    expired_.pop_front();
  }
}

bool ManagedInvocations::running(const std::string& request_id) const {
  return running_.contains(request_id);
}

}  // namespace postlude::emulator
