#pragma once

#include "common/clock.h"

#include <poll.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace postlude {

/// One thread's poll loop: descriptors and timers. Level-triggered. Everything runs on the thread
/// that calls run(); no member may be called from another one.
///
/// Handlers may add, change and remove any slot, their own included: a removed slot is not called
/// any more in the same round, and a slot added in a round is first called in the next.
class EventLoop {
 public:
  /// A round that took longer than it waited on purpose by more than this was frozen in between, or
  /// as good as that. Far above what a busy machine does to a process.
  static constexpr Millis kFrozen{500};
  /// While timers are set, the clock is looked at this often: where the monotonic clock stands
  /// still over a freeze, poll(2) sleeps the rest of its time after it, and work that is overdue by
  /// then has only the deadline margin left.
  static constexpr Millis kLongestWait{200};

  using Slot = std::size_t;
  using TimerId = std::uint64_t;
  using Handler = std::function<void(short revents)>;

  /// `events` as for poll(2); 0 still reports POLLERR and POLLHUP. The descriptor stays the
  /// caller's; remove the slot before closing it.
  [[nodiscard]] Slot add(int fd, short events, Handler handler);
  void set_events(Slot slot, short events);
  void remove(Slot slot);

  /// What the current round found for a slot that was not called yet; 0 otherwise.
  [[nodiscard]] short pending(Slot slot) const { return fds_[slot].revents; }

  /// Once, at `time` or as soon as possible after it (a freeze may come between).
  TimerId at(EpochTime time, std::function<void()> handler);
  /// Unknown and expired ids are fine.
  void cancel(TimerId id);

  /// anchor_clock(), for whoever has timers here: where that puts the clock back, they come as much
  /// earlier, so that none is late for it.
  void anchor();

  /// Called first in a round that was frozen, as far as that can be seen: with no timer set, a
  /// round waits for ever.
  void on_thaw(std::function<void()> handler) { on_thaw_ = std::move(handler); }

  /// Runs after the handlers of this round: the place to destroy what a handler belongs to.
  void after_round(std::function<void()> handler) { later_.push_back(std::move(handler)); }

  /// Returns after stop(), when the round is over.
  void run();
  void stop() { stopping_ = true; }

 private:
  struct Timer {
    TimerId id = 0;
    EpochTime time;
    std::function<void()> handler;
  };

  void round();
  [[nodiscard]] std::optional<Millis> wait_time(EpochTime at) const;
  void look_at_clock(EpochTime at, std::optional<Millis> waited);
  void run_handlers();
  void run_timers();
  void run_later();

  std::vector<pollfd> fds_;
  std::vector<Handler> handlers_;
  std::vector<Slot> free_;
  std::vector<Timer> timers_;
  std::vector<std::function<void()>> later_;
  std::function<void()> on_thaw_;
  EpochTime last_look_ = now();
  TimerId last_timer_ = 0;
  bool stopping_ = false;
};

}  // namespace postlude
