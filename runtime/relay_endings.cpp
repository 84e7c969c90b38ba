#include "runtime/relay_connection.h"

#include <poll.h>

#include <utility>

namespace postlude::runtime {

/// The end of the runtime's stream was read.
void RelayConnection::runtime_ended() {
  if (phase_ == Phase::adopting) {
    orphan_poll();
  } else if (passing() && !all_here()) {
    exchange_.cut();
    send_request();
  } else {
    exchange_.withdraw();
    finish();
  }
}

/// The runtime's connection broke, or what it sends makes no sense.
void RelayConnection::runtime_reset() {
  if (phase_ == Phase::adopting) {
    orphan_poll();
    return;
  }
  if (all_here()) {
    exchange_.withdraw();
  } else if (passing()) {
    exchange_.cut();
    platform_.reset();
  }
  finish();
}

/// The runtime hung up while nothing can be read from it. A client may close only its own side, so
/// what is under way goes on; whether anybody reads it will show.
void RelayConnection::runtime_gone() {
  runtime_.hung_up();
  const bool answering = platform_.answers().unsent();
  if (parked() && !runtime_.requests().unsent()) {
    orphan_poll();
  } else if (parked() || phase_ == Phase::held || (phase_ == Phase::idle && !answering)) {
    finish();
  }
}

void RelayConnection::orphan_poll() {
  context_.orphaned(platform_.release_poll(exchange_.kind()));
  finish();
}

void RelayConnection::platform_ended() {
  if (platform_is_dispensable() || platform_left_early()) {
    return;
  }
  if (platform_.end_ends_answer(exchange_)) {
    exchange_.note_response(FramingEvent::end, {});
    exchange_.tell_response();
  } else {
    exchange_.lost();
    // A cut head or chunk line passes as it came.
    platform_.answers().approve(platform_.answers().rest().size());
  }
  close_when_sent();
}

void RelayConnection::platform_reset() {
  if (platform_is_dispensable() || platform_left_early()) {
    return;
  }
  if (exchange_.response_done()) {
    platform_.answers().drop_rest();
    close_when_sent();
    return;
  }
  exchange_.lost();
  runtime_.reset();
  finish();
}

/// Of an early answer it took nothing as far as is known, unless it said so before; either way the
/// function is told. False: there is no early answer under way.
bool RelayConnection::platform_left_early() {
  if (phase_ != Phase::early) {
    return false;
  }
  if (exchange_.response_done()) {
    platform_.answers().drop_rest();
  } else {
    exchange_.lost();
    exchange_.answered_here();
    platform_.forget();
    platform_.answers().place(early_answer_result(0));
  }
  close_when_sent();
  return true;
}

/// Its end concerns no exchange: a request that waits here, or one that crosses it, goes up on a
/// new connection.
bool RelayConnection::platform_is_dispensable() {
  const bool crossed = phase_ == Phase::idle && (runtime_.pending() & POLLIN) != 0;
  if (crossed || phase_ == Phase::held || phase_ == Phase::local || all_here()) {
    if (own_event_) {
      platform_.abandon();  // its lane of answers holds ours
    } else {
      platform_.forget();
    }
    return true;
  }
  return false;
}

/// The platform's side is over, or nobody needs it: the runtime gets what is left, then the end.
void RelayConnection::close_when_sent() {
  platform_.close();
  phase_ = Phase::closing;
  if (runtime_.send(platform_.answers()) && platform_.answers().unsent()) {
    return;
  }
  runtime_.close_gently(exchange_.request_done() ? RuntimeSide::Expects::nothing
                                                 : RuntimeSide::Expects::more_bytes);
  finish();
}

void RelayConnection::finish() {
  if (phase_ == Phase::finished) {
    return;
  }
  phase_ = Phase::finished;
  if (std::exchange(answers_handler_, false)) {
    context_.traffic.handler_cut();
  }
  runtime_.close();
  platform_.close();
  context_.ended(*this);
}

}  // namespace postlude::runtime
