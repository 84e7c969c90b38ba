#include "runtime/poll_duty.h"

#include <utility>

namespace postlude::runtime {

void PollDuty::registered() {
  registered_ = true;
  parked_ = true;
}

void PollDuty::invocation_began(std::uint64_t sequence) {
  latest_ = sequence;
  parked_ = false;
  rescue_due_.reset();
}

void PollDuty::extension_released(std::uint64_t sequence) {
  if (!ours_) {
    parked_ = parked_ || sequence == latest_;
  }
}

void PollDuty::extension_died(EpochTime at) {
  if (!registered_ || std::exchange(ours_, true)) {
    return;
  }
  if (parked_) {
    rescue_due_ = at + kRescueAfter;
  }
}

PollDuty::Verdict PollDuty::nothing_held() {
  return ours_ && !parked_ ? ask() : Verdict::nothing;
}

PollDuty::Verdict PollDuty::rescue(EpochTime at) {
  if (!rescue_due_) {
    return Verdict::nothing;
  }
  if (at - *rescue_due_ > kLate) {
    rescue_due_ = at + kRescueAfter;
    return Verdict::nothing;
  }
  rescue_due_.reset();
  rescuing_ = true;
  waiting_ = true;
  return Verdict::ask;
}

PollDuty::Verdict PollDuty::ask() {
  if (given_up()) {
    return Verdict::nothing;
  }
  parked_ = true;
  if (waiting_) {
    ask_again_ = true;  // the INVOKE of the last poll is still to be read
    return Verdict::nothing;
  }
  waiting_ = true;
  return Verdict::ask;
}

PollDuty::Verdict PollDuty::answered() {
  waiting_ = false;
  rescuing_ = false;
  refusals_ = 0;
  return ask_again();
}

PollDuty::Verdict PollDuty::refused() {
  waiting_ = false;
  if (!std::exchange(rescuing_, false)) {
    parked_ = false;
    ++refusals_;
  }
  return ask_again();
}

PollDuty::Verdict PollDuty::ask_again() {
  return std::exchange(ask_again_, false) ? ask() : Verdict::nothing;
}

}  // namespace postlude::runtime
