#pragma once

#include "common/event_loop.h"
#include "common/tcp.h"
#include "common/unique_fd.h"
#include "runtime/exchange.h"
#include "runtime/relay_lane.h"
#include "runtime/relay_traffic.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace postlude::runtime {

/// What all connections of the relay share. Everything outlives the connections.
struct RelayContext {
  EventLoop& loop;
  const TcpAddress& platform;
  RelayTraffic& traffic;
  ScratchBlock scratch = {};
};

/// A poll whose runtime connection went away before the platform answered: never abandoned, since
/// the platform may answer into it (lambda-protocol.md 1.2). The runtime's next poll takes it over.
struct OrphanPoll {
  UniqueFd upstream;
  ExchangeKind kind = ExchangeKind::next;
};

/// One connection of the runtime and its own connection to the platform. Bytes pass both ways as
/// they were received; framing is only watched. One exchange at a time: a pipelined request waits
/// until the answer before it passed.
///
/// Closing is mirrored: an end of stream becomes a half-close, a reset becomes a reset. The
/// exception is a parked poll (OrphanPoll).
///
/// Runs on the loop's thread. `ended` is called once, from a handler of this object: destroy it
/// after the round.
class RelayConnection {
 public:
  struct Owner {
    std::function<void(RelayConnection&)> ended;
    std::function<void(OrphanPoll)> orphaned;
    std::function<std::optional<OrphanPoll>(ExchangeKind)> take_orphan;
  };

  RelayConnection(RelayContext& context, UniqueFd downstream, const Owner& owner);
  RelayConnection(const RelayConnection&) = delete;
  RelayConnection& operator=(const RelayConnection&) = delete;
  ~RelayConnection();

  /// A poll of this connection is held: ask again whether it may go up.
  void resume();

 private:
  enum class Phase {
    idle,       ///< between exchanges
    held,       ///< a poll waits for leave to go up
    relaying,   ///< request and answer pass
    local,      ///< the request is swallowed and answered here
    lingering,  ///< the platform's side is over; the runtime still has to read its answer
    finished,   ///< about to be destroyed
  };
  struct Passed {
    FramingEvent event;
    std::string_view bytes;
  };

  // The runtime's side.
  void on_downstream(short revents);
  void read_request();
  void pump_request();
  [[nodiscard]] bool take_request_step();
  [[nodiscard]] bool begin_exchange(std::size_t head_size);
  [[nodiscard]] bool begin_poll(std::size_t head_size);
  void answer_here();
  void refuse_request();
  void runtime_ended();
  void runtime_reset();
  void runtime_gone();
  void drain_lingering();

  // The platform's side.
  void on_upstream(short revents);
  void read_response();
  void pump_response();
  [[nodiscard]] bool take_response_step();
  void platform_ended();
  void platform_reset();
  void answer_lost();

  // Both.
  void connect_upstream();
  void adopt(OrphanPoll orphan);
  void send_request();
  void send_response();
  void tell_request();
  void tell_response();
  void end_exchange_if_done();
  void linger();
  void finish();
  void drop_downstream();
  void drop_upstream();
  void update_events();
  [[nodiscard]] bool may_read_request() const;
  [[nodiscard]] bool parked() const;
  [[nodiscard]] bool counts() const { return sequence_ != 0 && kind_ != ExchangeKind::next; }

  RelayContext& context_;
  const Owner& owner_;
  UniqueFd downstream_;
  UniqueFd upstream_;
  std::optional<EventLoop::Slot> down_slot_;
  std::optional<EventLoop::Slot> up_slot_;
  std::optional<EventLoop::TimerId> linger_timer_;
  RelayLane request_{MessageKind::request};
  RelayLane response_{MessageKind::response};
  std::vector<Passed> passed_;

  Phase phase_ = Phase::idle;
  ExchangeKind kind_ = ExchangeKind::other;
  std::uint64_t sequence_ = 0;  ///< of the invocation this exchange is about; 0: none
  std::size_t held_head_ = 0;
  int status_ = 0;
  bool request_done_ = true;
  bool response_done_ = true;
  bool response_began_ = false;
  bool runtime_hung_up_ = false;  ///< seen while its bytes could not be read
  bool platform_hung_up_ = false;
  bool platform_takes_nothing_ = false;
  bool sent_end_ = false;  ///< the runtime's end of stream was mirrored
  std::string local_answer_;
};

}  // namespace postlude::runtime
