#include "runtime/relay_connection.h"

#include "runtime/defer_request.h"

#include <poll.h>

#include <utility>

namespace postlude::runtime {
namespace {

constexpr short kBroken = POLLHUP | POLLERR;
constexpr short kHungUp = POLLRDHUP | kBroken;

}  // namespace

RelayConnection::RelayConnection(RelayContext& context, UniqueFd runtime)
    : context_(context),
      runtime_(context, std::move(runtime), [this](short revents) { on_runtime(revents); }),
      platform_(context, [this](short revents) { on_platform(revents); }),
      exchange_(context.traffic) {
  update_events();
}

void RelayConnection::resume() {
  if (phase_ != Phase::held) {
    return;
  }
  RelayLane& lane = runtime_.requests();
  lane.approve(held_head_);
  const HttpHead head(lane.stepped(held_head_));
  const bool goes = exchange_.is_poll()
                        ? begin_poll(held_head_)
                        : begin_answer(classify(head.method(), head.target()), held_head_);
  if (goes) {
    pump_request();
  }
  update_events();
}

void RelayConnection::on_runtime(short revents) {
  if (phase_ == Phase::finished) {
    return;
  }
  if (platform_.answers().unsent() && (revents & (POLLOUT | kBroken)) != 0) {
    send_answer();
  }
  if (phase_ == Phase::local && end_exchange_if_done()) {
    pump_request();
  }
  if (phase_ != Phase::finished && (revents & (POLLIN | kHungUp)) != 0) {
    if (may_read_request()) {
      read_request();
    } else if ((revents & kHungUp) != 0) {
      runtime_gone();
    }
  }
  update_events();
}

void RelayConnection::read_request() {
  const RelayLane::Io received = runtime_.receive();
  if (received == RelayLane::Io::progress) {
    pump_request();
  } else if (received == RelayLane::Io::closed) {
    runtime_ended();
  } else if (received == RelayLane::Io::reset) {
    runtime_reset();
  }
}

void RelayConnection::pump_request() {
  do {
    while (take_request_step()) {
    }
    if (phase_ == Phase::finished || phase_ == Phase::closing) {
      return;
    }
    send_request();
    exchange_.tell_request();
    runtime_.requests().keep();
    if (phase_ == Phase::local && exchange_.request_done() && !awaiting_) {
      answer_here();
    }
  } while (end_exchange_if_done());
}

/// False: nothing more can be done with what is there.
bool RelayConnection::take_request_step() {
  RelayLane& lane = runtime_.requests();
  const bool waits = phase_ == Phase::idle ? lane.unsent() || platform_.answers().unsent()
                                           : phase_ == Phase::held || exchange_.request_done();
  if (waits) {
    return false;
  }
  const FramingStep step = lane.step();
  if (step.event == FramingEvent::invalid) {
    refuse_request();
  }
  if (step.event == FramingEvent::invalid || step.event == FramingEvent::need_more) {
    return false;
  }
  if (step.event == FramingEvent::head) {
    return begin_exchange(step.consumed);
  }
  if (collected_) {
    collect(step);
    return step.event != FramingEvent::end;
  }
  exchange_.note_request(step.event, lane.stepped(step.consumed));
  if (exchange_.kind() == ExchangeKind::defer && step.event == FramingEvent::payload &&
      deferred_.size() <= kMaxDeferBytes) {
    deferred_.append(lane.stepped(step.consumed));
  }
  if (answers_handler_ && step.event == FramingEvent::trailers) {
    context_.traffic.handler_trailers(lane.stepped(step.consumed));
  } else if (answers_handler_ && step.event == FramingEvent::payload) {
    context_.traffic.handler_bytes(lane.stepped(step.consumed));
  }
  if (phase_ == Phase::local || phase_ == Phase::adopting) {
    lane.drop(step.consumed);
  }
  return step.event != FramingEvent::end;
}

/// False: the head waits.
bool RelayConnection::begin_exchange(std::size_t head_size) {
  const HttpHead head(runtime_.requests().stepped(head_size));
  const Exchange exchange = classify(head.method(), head.target());
  exchange_.begin(exchange.kind);
  if (platform_.stirs()) {
    platform_.forget();  // its end, unread as yet: nothing else can come while it is idle
  }
  switch (exchange.kind) {
    case ExchangeKind::local:
      return begin_local(answer_function_call(head, context_.traffic.extension_health()),
                         head_size);
    case ExchangeKind::defer:
    case ExchangeKind::inspect:
      named_ = exchange.request_id;
      return begin_local(manners_of(head), head_size);
    case ExchangeKind::next:
    case ExchangeKind::restore_next:
      context_.traffic.poll_asked(exchange.kind);
      return begin_poll(head_size);
    case ExchangeKind::response:
    case ExchangeKind::invocation_error:
    case ExchangeKind::early_response:
      return begin_answer(exchange, head_size);
    case ExchangeKind::other:
      break;
  }
  phase_ = Phase::relaying;
  if (head.method() == "HEAD") {
    platform_.answers().framing().expect_no_body();
  }
  return true;
}

/// False: the poll is held.
bool RelayConnection::begin_poll(std::size_t head_size) {
  if (exchange_.kind() == ExchangeKind::next && begin_own_event(head_size)) {
    return phase_ != Phase::finished;
  }
  if (!context_.traffic.may_poll()) {
    return hold(head_size);
  }
  phase_ = Phase::relaying;
  context_.traffic.poll_went_up();
  if (auto orphan = context_.take_orphan(exchange_.kind())) {
    phase_ = Phase::adopting;
    runtime_.requests().drop(head_size);
    platform_.adopt(std::move(*orphan));
  }
  return true;
}

/// Not HTTP as both sides would read it: nothing of it goes up.
void RelayConnection::refuse_request() {
  if (phase_ != Phase::idle) {
    runtime_reset();
    return;
  }
  exchange_.begin(ExchangeKind::other);
  platform_.answers().place(
      "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  close_when_sent();
}

void RelayConnection::send_request() {
  RelayLane& lane = runtime_.requests();
  if (gathers()) {
    return;
  }
  went_up_ = true;
  if (collected_ ? !send_collected() : !platform_.send(lane)) {
    platform_reset();
  } else if (lane.ended() && !exchange_.request_done()) {
    platform_.send_end(lane);
  }
}

void RelayConnection::on_platform(short revents) {
  if (phase_ == Phase::finished) {
    return;
  }
  // An event must not be written to a runtime that hung up in the meantime.
  if (parked() && (runtime_.pending() & kHungUp) != 0) {
    on_runtime(runtime_.pending());
    return;
  }
  if (runtime_.requests().unsent() && (revents & (POLLOUT | kBroken)) != 0) {
    send_request();
    if (phase_ == Phase::idle) {
      pump_request();
    }
  }
  if (phase_ != Phase::finished && !platform_.answers().unsent() &&
      (revents & (POLLIN | kBroken)) != 0) {
    read_answer();
  }
  update_events();
}

void RelayConnection::read_answer() {
  const RelayLane::Io received = platform_.receive();
  if (received == RelayLane::Io::progress) {
    pump_answer();
  } else if (received == RelayLane::Io::closed) {
    platform_ended();
  } else if (received == RelayLane::Io::reset) {
    platform_reset();
  }
}

void RelayConnection::pump_answer() {
  if (phase_ == Phase::early) {
    pump_early_answer();
    return;
  }
  PlatformSide::Step step = PlatformSide::Step::passed;
  while (step == PlatformSide::Step::passed) {
    step = platform_.take_step(exchange_);
  }
  send_answer();
  if (phase_ == Phase::finished) {
    return;
  }
  exchange_.tell_response();
  platform_.answers().keep();
  if (step == PlatformSide::Step::nonsense) {
    platform_reset();
  } else if (end_exchange_if_done()) {
    pump_request();
  }
}

void RelayConnection::send_answer() {
  bool reads = runtime_.send(platform_.answers());
  while (reads && own_event_ && !platform_.answers().unsent() && place_event_piece()) {
    reads = runtime_.send(platform_.answers());
  }
  if (phase_ == Phase::finished) {
    return;
  }
  if (!reads) {
    if (awaits_answer()) {
      return;  // the platform's word on a whole request still counts
    }
    if (all_here()) {
      exchange_.withdraw();
    } else {
      exchange_.cut();
    }
    platform_.reset();
    finish();
  } else if (!platform_.answers().unsent() && phase_ == Phase::closing) {
    close_when_sent();
  } else if (!platform_.answers().unsent() && phase_ == Phase::idle) {
    runtime_.listen_again();
    pump_request();
  }
}

/// True: it was done, and the next request's turn has come.
bool RelayConnection::end_exchange_if_done() {
  if ((!passing() && phase_ != Phase::local) || !exchange_.done()) {
    return false;
  }
  const bool ours = phase_ == Phase::local || phase_ == Phase::early;
  const bool closes = ours && local_.closes;
  phase_ = Phase::idle;
  exchange_.clear();
  drop_collected();
  if (!runtime_.is_open()) {
    finish();
    return false;
  }
  if (closes) {
    close_when_sent();
    return false;
  }
  if (!platform_.answers().unsent()) {
    runtime_.listen_again();
  }
  return runtime_.requests().unread();
}

bool RelayConnection::may_read_request() const {
  const RelayLane& lane = runtime_.requests();
  const bool expects = phase_ == Phase::idle
                           ? !platform_.answers().unsent()
                           : (passing() || phase_ == Phase::local) && !exchange_.request_done();
  return expects && !lane.ended() && (!lane.unsent() || gathers());
}

void RelayConnection::update_events() {
  using Wish = RuntimeSide::Wish;
  if (phase_ != Phase::finished) {
    const Wish wish = may_read_request() ? Wish::read : Wish::notice_end;
    runtime_.update_events(phase_ == Phase::closing ? Wish::only_send : wish, platform_.answers());
    if (!gathers()) {
      platform_.update_events(runtime_.requests());
    }
  }
}

}  // namespace postlude::runtime
