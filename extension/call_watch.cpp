#include "extension/call_watch.h"

#include "common/event_loop.h"

#include <pthread.h>

#include <algorithm>

namespace postlude::extension {

CallWatch::~CallWatch() {
  std::jthread thread;
  {
    const Lock lock(mutex_);
    closing_ = true;
    thread = std::move(thread_);
  }
  changed_.notify_all();
}

CallWatch::Guard::Guard(CallWatch& watch, OngoingCall& call, EpochTime deadline)
    : watch_(watch), call_(call) {
  {
    const Lock lock(watch_.mutex_);
    watch_.calls_.push_back({&call, deadline});
    if (!watch_.thread_.joinable()) {
      watch_.thread_ = std::jthread([&watch] { watch.run(); });
      static_cast<void>(::pthread_setname_np(watch_.thread_.native_handle(), "http-deadlines"));
    }
  }
  watch_.changed_.notify_all();
}

CallWatch::Guard::~Guard() {
  const Lock lock(watch_.mutex_);
  std::erase_if(watch_.calls_, [this](const Watched& watched) { return watched.call == &call_; });
}

void CallWatch::run() {
  Lock lock(mutex_);
  while (!closing_) {
    if (calls_.empty()) {
      lock.wait(changed_);
      continue;
    }
    const EpochTime at = now();
    const EpochTime next = end_late_calls(at);
    // As the loop does, and for the same reason.
    lock.wait_for(changed_, std::min(remaining(next, at), EventLoop::kLongestWait));
  }
}

EpochTime CallWatch::end_late_calls(EpochTime at) {
  EpochTime next = EpochTime::max();
  for (const Watched& watched : calls_) {
    if (watched.deadline > at) {
      next = std::min(next, watched.deadline);
    } else if (watched.call->ended() == OngoingCall::End::none) {
      watched.call->end(OngoingCall::End::timed_out);
    }
  }
  return next;
}

}  // namespace postlude::extension
