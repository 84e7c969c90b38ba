#pragma once

#include "common/http_head.h"
#include "runtime/exchange.h"
#include "runtime/hold.h"

#include <cstdint>
#include <functional>
#include <string_view>

namespace postlude::runtime {

/// What the relay tells about the messages that pass, after their bytes were sent on, and the one
/// question it asks. A table of functions: the relay knows nothing of invocations and tasks, and
/// its tests follow the traffic with a recorder.
///
/// A sequence number names an invocation of this environment; 0 is none, and the calls that take
/// one are not made for it.
struct RelayTraffic {
  /// The runtime asks for its next event (`next`, `restore_next`). Once a request, before may_poll.
  std::function<void(ExchangeKind)> poll_asked;
  /// May that poll go to the platform now? If not, resume() follows.
  std::function<bool()> may_poll;
  std::function<void()> poll_went_up;

  /// The platform delivers an event; the invocation's sequence number.
  std::function<std::uint64_t(const HttpHead&)> event_head;
  std::function<void(std::uint64_t, std::string_view)> event_bytes;

  /// The runtime answers; the sequence number if this is the answer that counts.
  std::function<std::uint64_t(const Exchange&, const HttpHead&)> answer_head;
  std::function<void(std::uint64_t, std::string_view)> answer_bytes;
  std::function<void(std::uint64_t, std::string_view trailer_lines)> answer_trailers;
  std::function<void(std::uint64_t)> answer_sent;
  /// The connection broke before the answer was whole.
  std::function<void(std::uint64_t)> answer_cut;
  /// The platform's status passed.
  std::function<void(std::uint64_t, int status)> answer_acknowledged;

  std::function<ExtensionState()> extension_state;
};

}  // namespace postlude::runtime
