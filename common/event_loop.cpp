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

void EventLoop::run() {
  stopping_ = false;
  while (!stopping_) {
    round();
  }
}

void EventLoop::round() {
  const int ready = ::poll(fds_.data(), fds_.size(), poll_timeout());
  assert(ready >= 0 || errno == EINTR || errno == ENOMEM);
  if (ready > 0) {
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
  run_timers();
  run_later();
}

int EventLoop::poll_timeout() const {
  if (timers_.empty()) {
    return -1;
  }
  const auto first =
      std::min_element(timers_.begin(), timers_.end(), [](const Timer& a, const Timer& b) {
        return a.time < b.time;
      });
  // The wall clock can be set back; a bounded wait looks at it again.
  constexpr Millis kLongestWait = std::chrono::seconds(60);
  return static_cast<int>(std::min(remaining(first->time, now()), kLongestWait).count());
}

void EventLoop::run_timers() {
  if (timers_.empty()) {
    return;
  }
  const EpochTime at = now();
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
