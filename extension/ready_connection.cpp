#include "extension/ready_connection.h"

#include "common/event_loop.h"

namespace postlude::extension {

bool ReadyConnection::use(const HttpRequest& request, OngoingCall& call) {
  Lock lock(mutex_);
  if (withdrawn_ || outcome_ || use_) {
    return false;
  }
  use_ = Use{&request, &call};
  changed_.notify_all();
  while (!outcome_) {
    lock.wait(changed_);
  }
  return *outcome_ == Outcome::used;
}

void ReadyConnection::withdraw() {
  const Lock lock(mutex_);
  withdrawn_ = true;
  changed_.notify_all();
}

std::optional<ReadyConnection::Use> ReadyConnection::await_use(const OngoingCall& opening) {
  Lock lock(mutex_);
  while (!use_ && !withdrawn_ && opening.ended() == OngoingCall::End::none) {
    lock.wait_for(changed_, EventLoop::kLongestWait);
  }
  withdrawn_ = !use_;
  return use_;
}

void ReadyConnection::done(Outcome outcome) {
  const Lock lock(mutex_);
  withdrawn_ = true;
  outcome_ = outcome;
  changed_.notify_all();
}

}  // namespace postlude::extension
