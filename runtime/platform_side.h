#pragma once

#include "runtime/relay_context.h"
#include "runtime/relay_exchange.h"
#include "runtime/relay_lane.h"
#include "runtime/relay_socket.h"

namespace postlude::runtime {

/// The platform's half of a relayed connection: the socket, and the lane of the answers that come
/// from it. Connects when there is something to send. Runs on the loop's thread.
class PlatformSide {
 public:
  PlatformSide(RelayContext& context, EventLoop::Handler handler)
      : context_(context), socket_(context.loop, std::move(handler)) {}

  [[nodiscard]] bool is_open() const { return socket_.is_open(); }
  [[nodiscard]] RelayLane& answers() { return answers_; }
  [[nodiscard]] const RelayLane& answers() const { return answers_; }

  /// Sends what `requests` has ready, as far as the platform takes it. A platform that takes
  /// nothing any more may have answered before: the bytes vanish, and its answer or its end is
  /// still to be read. False: no connection could be made.
  [[nodiscard]] bool send(RelayLane& requests);
  /// Behind everything sent: the runtime's stream ended in the middle of a message. The fragment
  /// goes up as it came, then the end of the stream, once.
  void send_end(RelayLane& requests);

  [[nodiscard]] RelayLane::Io receive() { return answers_.receive(socket_.fd(), context_.scratch); }
  enum class Step {
    none,      ///< nothing more in what was received
    passed,    ///< noted in the exchange; after take_step() ready to be sent
    nonsense,  ///< not HTTP, or an answer to nothing
  };
  [[nodiscard]] Step take_step(RelayExchange& exchange);
  /// The same, and the bytes vanish: the answer is for us.
  [[nodiscard]] Step swallow_step(RelayExchange& exchange);
  /// The end of the connection is the end of the answer's body, not a cut.
  [[nodiscard]] bool end_ends_answer(const RelayExchange& exchange) const;

  /// The current round found bytes or an end that were not read yet.
  [[nodiscard]] bool stirs() const;
  void update_events(const RelayLane& requests);

  void adopt(OrphanPoll orphan);
  [[nodiscard]] OrphanPoll release_poll(ExchangeKind kind);
  /// Closes; the next send() makes a new connection. Only between exchanges.
  void forget();
  /// Closes in the middle of a request that the platform has answered; the answer stays, and the
  /// next send() makes a new connection.
  void abandon();
  void close() { socket_.close(); }
  void reset() { socket_.reset(); }

 private:
  enum class Bytes { kept, dropped };
  [[nodiscard]] Step step(RelayExchange& exchange, Bytes bytes);

  RelayContext& context_;
  RelaySocket socket_;
  RelayLane answers_{MessageKind::response};
  bool takes_nothing_ = false;
  bool sent_end_ = false;
};

}  // namespace postlude::runtime
