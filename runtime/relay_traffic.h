#pragma once

#include "common/http_head.h"
#include "runtime/exchange.h"
#include "runtime/extension_state.h"
#include "runtime/function_api.h"
#include "runtime/handler_lane.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace postlude::runtime {

/// What becomes of an answer whose head was read. Views are valid until the next call.
struct AnswerTurn {
  enum class Kind {
    passes,     ///< it goes to the platform
    waits,      ///< another answer is under way: asked again after resume()
    discarded,  ///< the invocation was answered early: swallowed, acknowledged as the platform
                ///< would
    refused,    ///< an early answer that cannot be one: `refusal` says why
    handler,    ///< of an attempt of a handler task: swallowed, handler_answered follows
  };
  Kind kind = Kind::passes;
  std::uint64_t sequence = 0;  ///< of the invocation, if this is the answer that counts
  // Of an early answer, for the request that goes up:
  std::string_view request_id = {};
  std::string_view invocation_id = {};  ///< Lambda-Runtime-Invocation-Id; empty: there is none
  ApiError refusal = {};
};

/// What the relay tells about the messages that pass, after their bytes were sent on, and the one
/// question it asks. A table of functions: the relay knows nothing of invocations and tasks, and
/// its tests follow the traffic with a recorder.
///
/// A sequence number names an invocation of this environment; 0 is none, and the calls that take
/// one are not made for it.
struct RelayTraffic {
  /// The runtime asks for its next event (`next`, `restore_next`). Once a request, before may_poll.
  std::function<void(ExchangeKind)> poll_asked;
  /// An event of ours for that poll, before it may go up. Asked again after resume().
  std::function<std::optional<OwnEvent>()> own_event;
  /// May that poll go to the platform now? If not, resume() follows.
  std::function<bool()> may_poll;
  std::function<void()> poll_went_up;
  /// `restore_next` was answered: this is a copy of the environment that asked (SnapStart).
  std::function<void()> restored = [] {};

  /// The platform delivers an event; the invocation's sequence number.
  std::function<std::uint64_t(const HttpHead&)> event_head;
  std::function<void(std::uint64_t, std::string_view)> event_bytes;

  /// An answer begins, the runtime's or an early one.
  std::function<AnswerTurn(const Exchange&, const HttpHead&)> answer_head;
  std::function<void(std::uint64_t, std::string_view)> answer_bytes;
  std::function<void(std::uint64_t, std::string_view trailer_lines)> answer_trailers;
  std::function<void(std::uint64_t)> answer_sent;
  /// The connection broke before the answer was whole.
  std::function<void(std::uint64_t)> answer_cut;
  /// The same before a byte of it went up.
  std::function<void(std::uint64_t)> answer_withdrawn;
  /// The platform's status passed.
  std::function<void(std::uint64_t, int status)> answer_acknowledged;

  /// Of a handler attempt's answer.
  std::function<void(std::string_view bytes)> handler_bytes;
  std::function<void(std::string_view trailer_lines)> handler_trailers;
  std::function<void()> handler_answered;
  /// The connection broke before that answer was whole.
  std::function<void()> handler_cut;

  /// The function defers a task for the invocation it names; the whole message to answer with.
  std::function<std::string(std::string_view id, std::string_view body)> defer;
  /// The function asks how the invocation it names is. The reply, a whole message, comes later and
  /// once, and perhaps when nobody waits for it any more.
  std::function<void(std::string_view id, std::function<void(std::string)> reply)> inspect;

  std::function<ExtensionHealth()> extension_health;
};

}  // namespace postlude::runtime
