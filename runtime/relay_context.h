#pragma once

#include "common/event_loop.h"
#include "common/tcp.h"
#include "common/unique_fd.h"
#include "runtime/exchange.h"
#include "runtime/relay_lane.h"
#include "runtime/relay_traffic.h"
#include "runtime/response_mode.h"

#include <functional>
#include <optional>

namespace postlude::runtime {

class RelayConnection;

/// A poll whose runtime connection went away before the platform answered: never abandoned, since
/// the platform may answer into it (lambda-protocol.md 1.2). The runtime's next poll takes it over.
struct OrphanPoll {
  UniqueFd platform;
  ExchangeKind kind = ExchangeKind::next;
  RelayLane answers{MessageKind::response};  ///< may hold the first part of a head
};

/// What all connections of the relay share, and what they leave to its owner. Everything outlives
/// the connections; everything runs on the loop's thread.
struct RelayContext {
  EventLoop& loop;
  const TcpAddress& platform;
  RelayTraffic& traffic;
  ResponseMode response_mode = ResponseMode::passthrough;
  /// The connection is over: destroy it after the round.
  std::function<void(RelayConnection&)> ended = {};
  std::function<void(OrphanPoll)> orphaned = {};
  std::function<std::optional<OrphanPoll>(ExchangeKind)> take_orphan = {};
  /// Close it so that what was written arrives (LingeringClose).
  std::function<void(UniqueFd)> close_gently = {};
  ScratchBlock scratch = {};
};

}  // namespace postlude::runtime
