#pragma once

#include "common/event_loop.h"
#include "common/unique_fd.h"

#include <optional>

namespace postlude::runtime {

/// One side of a relayed connection: its descriptor and its place in the loop. Runs on the loop's
/// thread.
class RelaySocket {
 public:
  RelaySocket(EventLoop& loop, EventLoop::Handler handler)
      : loop_(loop), handler_(std::move(handler)) {}
  RelaySocket(const RelaySocket&) = delete;
  RelaySocket& operator=(const RelaySocket&) = delete;
  ~RelaySocket() { close(); }

  void open(UniqueFd fd);
  [[nodiscard]] bool is_open() const { return static_cast<bool>(fd_); }
  /// -1 if it is not open.
  [[nodiscard]] int fd() const { return fd_.get(); }

  /// As poll(2). With nothing wanted it leaves the loop: a peer that hung up is reported whatever
  /// is asked for, and would keep the loop turning while there is nothing to be done about it.
  void want(short events);
  /// What the current round found and has not reported yet.
  [[nodiscard]] short pending() const { return slot_ ? loop_.pending(*slot_) : short{0}; }

  /// The peer reads the end of the stream behind what was sent.
  void half_close();
  void close();
  /// The peer sees a reset.
  void reset();
  [[nodiscard]] UniqueFd release();

 private:
  void leave_loop();

  EventLoop& loop_;
  EventLoop::Handler handler_;
  UniqueFd fd_;
  std::optional<EventLoop::Slot> slot_;
};

}  // namespace postlude::runtime
