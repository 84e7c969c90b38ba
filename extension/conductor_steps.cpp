// What the schedule says, done.
#include "extension/conductor.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

namespace postlude::extension {

void Conductor::apply(Steps steps) {
  if (superseded_) {
    return;
  }
  to_do_.insert(
      to_do_.end(), std::make_move_iterator(steps.begin()), std::make_move_iterator(steps.end()));
  if (doing_) {
    return;
  }
  doing_ = true;
  while (!to_do_.empty()) {
    const Step step = std::move(to_do_.front());
    to_do_.pop_front();
    std::visit([this](const auto& value) { perform(value); }, step);
  }
  doing_ = false;
  if (superseded_) {
    return;
  }
  assert(session_->schedule.accounting().balanced());
  set_timer();
  if (session_->schedule.over() && !std::exchange(told_empty_, true)) {
    nothing_left();
  }
}

void Conductor::nothing_left() {
  descendants_.await_deaths();
  shim_.send(Empty{});
  if (!external_ || external_->shut_down) {
    loop_.stop();
  }
}

void Conductor::perform(const StartAttempt& step) {
  if (!rename(step.before, step.after)) {
    return;
  }
  AttemptInput input = input_for(step.after.number);
  input.attempt = step.after.attempts;
  input.work_deadline = step.work_deadline;
  input.until = step.until;
  session_->attempts.start(step.after.number, std::move(input), step.host);
}

void Conductor::perform(const StopAttempt& step) {
  session_->attempts.stop(step.number, step.grace);
}

void Conductor::perform(const NoteState& step) {
  static_cast<void>(rename(step.before, step.after));
}

void Conductor::perform(const EndTask& step) {
  if (rename(step.before, step.after)) {
    session_->records.let_go(step.accepted_in);
    session_->attempts.forget(step.after.number);
  }
}

void Conductor::perform(const RemoveRecord& step) {
  session_->records.remove(step.name);
}

void Conductor::perform(const SpillTask& step) {
  AttemptInput input = input_for(step.name.number);
  input.attempt = std::max(step.name.attempts, 1);
  input.work_deadline = input.record.work_deadline;
  input.until = step.until;
  session_->attempts.spill(step, std::move(input));
}

void Conductor::perform(const HandlersDone& step) {
  shim_.send(step);
}

void Conductor::perform(const WriteReceipt& step) {
  session_->receipts.write(step.receipt, now());
}

void Conductor::perform(const ReleaseInvocation& step) {
  if (order_ == InvocationOrder::one_by_one) {
    session_->attempts.rest();
  }
  descendants_.await_deaths();
  shim_.send(Settled{step.key, step.carried + session_->records.unread(), step.carried_handlers});
  ask_platform(release_.settled(step.key.request_id));
}

AttemptInput Conductor::input_for(std::uint64_t number) {
  Bodies bodies = session_->records.bodies(number);
  AttemptInput input;
  input.record = session_->records.at(number);
  input.event_file = std::move(bodies.event);
  input.event_bytes = bodies.event_bytes;
  input.response = std::move(bodies.response);
  input.error = std::move(bodies.error);
  return input;
}

/// False: there is nothing left for this process to do.
bool Conductor::rename(const RecordName& before, const RecordName& after) {
  if (session_->records.rename(before, after) == HeldRecords::Owner::us) {
    return true;
  }
  leave();
  return false;
}

/// The shim of that generation has its own extension, which does what is left.
void Conductor::leave() {
  log_.info("a newer generation of this environment has taken over the deferred work");
  superseded_ = true;
  to_do_.clear();
  loop_.stop();
}

}  // namespace postlude::extension
