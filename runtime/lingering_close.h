#pragma once

#include "runtime/relay_context.h"
#include "runtime/relay_socket.h"

#include <functional>

namespace postlude::runtime {

/// Closes a connection of the runtime whose answer came before its request was whole (an early
/// 413): a plain close would answer the rest with a reset, which may destroy the answer before it
/// is read. So it is only half-closed, and what still comes is read and thrown away until the
/// runtime closes, or for kPatience. Runs on the loop's thread.
class LingeringClose {
 public:
  static constexpr Millis kPatience = std::chrono::seconds(2);

  /// `ended` is called once, from the loop: destroy it after the round.
  LingeringClose(RelayContext& context,
                 UniqueFd socket,
                 std::function<void(LingeringClose&)> ended);
  LingeringClose(const LingeringClose&) = delete;
  LingeringClose& operator=(const LingeringClose&) = delete;
  ~LingeringClose() { context_.loop.cancel(timer_); }

 private:
  void drain();
  void finish();

  RelayContext& context_;
  RelaySocket socket_;
  std::function<void(LingeringClose&)> ended_;
  EventLoop::TimerId timer_;
};

}  // namespace postlude::runtime
