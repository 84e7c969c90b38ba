#pragma once

#include "runtime/relay_context.h"
#include "runtime/relay_lane.h"
#include "runtime/relay_socket.h"

namespace postlude::runtime {

/// The runtime's half of a relayed connection: the socket, and the lane of the requests that come
/// from it. Runs on the loop's thread.
class RuntimeSide {
 public:
  RuntimeSide(RelayContext& context, UniqueFd socket, EventLoop::Handler handler)
      : context_(context), socket_(context.loop, std::move(handler)) {
    socket_.open(std::move(socket));
  }

  [[nodiscard]] bool is_open() const { return socket_.is_open(); }
  [[nodiscard]] RelayLane& requests() { return requests_; }
  [[nodiscard]] const RelayLane& requests() const { return requests_; }

  [[nodiscard]] RelayLane::Io receive() {
    return requests_.receive(socket_.fd(), context_.scratch);
  }
  /// Sends what `answers` has ready, as far as the runtime takes it. False: it takes nothing any
  /// more; the bytes vanish and the socket is closed.
  [[nodiscard]] bool send(RelayLane& answers);

  /// It hung up while its bytes could not be read. Forgotten by listen_again(), when they can.
  void hung_up() { hung_up_ = true; }
  void listen_again() { hung_up_ = false; }

  enum class Wish { read, notice_end, only_send };
  void update_events(Wish wish, const RelayLane& answers);
  /// What the current round found and has not reported yet.
  [[nodiscard]] short pending() const { return socket_.pending(); }

  /// Closes, or has it closed gently where bytes are unread or still to come (LingeringClose).
  enum class Expects { nothing, more_bytes };
  void close_gently(Expects expects);
  void close() { socket_.close(); }
  void reset() { socket_.reset(); }

 private:
  [[nodiscard]] bool has_unread_bytes() const;

  RelayContext& context_;
  RelaySocket socket_;
  RelayLane requests_{MessageKind::request};
  bool hung_up_ = false;
};

}  // namespace postlude::runtime
