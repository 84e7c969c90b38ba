#include "common/event_loop.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <utility>

namespace postlude {

EventLoop::Slot EventLoop::add(int fd, short events, Handler handler) {
  if (!free_.empty()) {
    const Slot slot = free_.back();
    free_.pop_back();
    fds_[slot] = pollfd{fd, events, 0};
    handlers_[slot] = std::move(handler);
    return slot;
  }
  fds_.push_back(pollfd{fd, events, 0});
  handlers_.push_back(std::move(handler));
  return fds_.size() - 1;
}

void EventLoop::set_events(Slot slot, short events) {
  fds_[slot].events = events;
}

void EventLoop::remove(Slot slot) {
  assert(fds_[slot].fd >= 0);
  fds_[slot] = pollfd{-1, 0, 0};
  // The handler may be the one that is running: it is destroyed, and its slot reused, only when
  // the round is over.
  later_.emplace_back([this, slot] {
    handlers_[slot] = nullptr;
    free_.push_back(slot);
  });
}

EventLoop::TimerId EventLoop::at(EpochTime time, std::function<void()> handler) {
  timers_.push_back(Timer{++last_timer_, time, std::move(handler)});
  return last_timer_;
}

void EventLoop::cancel(TimerId id) {
  std::erase_if(timers_, [id](const Timer& timer) { return timer.id == id; });
}

void EventLoop::anchor() {
  anchor_clock();
  look_at_clock(now(), std::nullopt);
}

void EventLoop::run() {
  stopping_ = false;
  while (!stopping_) {
    round();
  }
}

void EventLoop::round() {
  const EpochTime before = now();
  // What the handlers of the last round took, for a freeze can come there as well.
  look_at_clock(before, Millis::zero());
  const std::optional<Millis> wait = wait_time(before);
  const int ready = ::poll(fds_.data(), fds_.size(), wait ? static_cast<int>(wait->count()) : -1);
  assert(ready >= 0 || errno == EINTR || errno == ENOMEM);
  look_at_clock(now(), wait);
  if (ready > 0) {
    run_handlers();
  }
  run_timers();
  run_later();
}

void EventLoop::look_at_clock(EpochTime at, std::optional<Millis> waited) {
  const Millis passed = at - std::exchange(last_look_, at);
  if (passed < Millis::zero()) {
    for (Timer& timer : timers_) {
      timer.time += passed;
    }
  } else if (waited && passed > *waited + kFrozen && on_thaw_) {
    on_thaw_();
  }
}

void EventLoop::run_handlers() {
  const std::size_t count = fds_.size();
  for (Slot slot = 0; slot < count; ++slot) {
    const short revents = std::exchange(fds_[slot].revents, short{0});
    if (revents != 0 && fds_[slot].fd >= 0) {
      // Moved out while it runs: a handler that adds slots may make the vector grow.
      Handler handler = std::move(handlers_[slot]);
      handler(revents);
      if (fds_[slot].fd >= 0) {
        handlers_[slot] = std::move(handler);
      }
    }
  }
}

std::optional<Millis> EventLoop::wait_time(EpochTime at) const {
  if (timers_.empty()) {
    return std::nullopt;
  }
  const auto first =
      std::min_element(timers_.begin(), timers_.end(), [](const Timer& a, const Timer& b) {
        return a.time < b.time;
      });
  return std::min(remaining(first->time, at), kLongestWait);
}

void EventLoop::run_timers() {
  if (timers_.empty()) {
    return;
  }
  const EpochTime at = now();
  // A timer that is due by a freeze among the handlers is not to come before that is known.
  look_at_clock(at, Millis::zero());
  while (true) {
    const auto due = std::find_if(
        timers_.begin(), timers_.end(), [at](const Timer& timer) { return timer.time <= at; });
    if (due == timers_.end()) {
      return;
    }
    const std::function<void()> handler = std::move(due->handler);
    timers_.erase(due);
    handler();
  }
}

void EventLoop::run_later() {
  while (!later_.empty()) {
    for (const auto& handler : std::exchange(later_, {})) {
      handler();
    }
  }
}

}  // namespace postlude
