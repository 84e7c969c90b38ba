#include "runtime/relay_connection.h"

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
    if (phase_ == Phase::local && exchange_.request_done()) {
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
      return begin_local(answer_function_call(head, context_.traffic.extension_state()), head_size);
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

/// False: the answer is held.
bool RelayConnection::begin_answer(const Exchange& exchange, std::size_t head_size) {
  const HttpHead head(runtime_.requests().stepped(head_size));
  const AnswerTurn turn = exchange_.begin_answer(exchange, head);
  switch (turn.kind) {
    case AnswerTurn::Kind::waits:
      return hold(head_size);
    case AnswerTurn::Kind::discarded:
      return begin_local(acknowledge_discarded(head), head_size);
    case AnswerTurn::Kind::refused:
      return begin_local(refuse_function_call(head, turn.refusal), head_size);
    case AnswerTurn::Kind::passes:
      break;
  }
  if (exchange.kind == ExchangeKind::early_response) {
    begin_early(turn, head_size);
  } else {
    phase_ = Phase::relaying;
  }
  if (context_.response_mode == ResponseMode::stream &&
      exchange.kind != ExchangeKind::invocation_error) {
    collect_if_buffered();
  }
  return phase_ != Phase::finished;
}

void RelayConnection::begin_early(const AnswerTurn& turn, std::size_t head_size) {
  const HttpHead head(runtime_.requests().stepped(head_size));
  phase_ = Phase::early;
  went_up_ = false;
  streams_ = head.find("Lambda-Runtime-Function-Response-Mode").value_or("") == "streaming";
  local_ = manners_of(head);
  runtime_.requests().replace(head_size,
                              early_answer_head(head, turn.request_id, turn.invocation_id));
  allow_body();
}

/// False: it cannot go on.
bool RelayConnection::begin_local(LocalAnswer answer, std::size_t head_size) {
  phase_ = Phase::local;
  local_ = std::move(answer);
  runtime_.requests().drop(head_size);
  allow_body();
  return phase_ != Phase::finished;
}

/// Always false: the exchange waits.
bool RelayConnection::hold(std::size_t head_size) {
  runtime_.requests().withhold(head_size);
  held_head_ = head_size;
  phase_ = Phase::held;
  return false;
}

void RelayConnection::allow_body() {
  if (local_.wants_continue) {
    platform_.answers().place("HTTP/1.1 100 Continue\r\n\r\n");
    send_answer();
  }
}

void RelayConnection::answer_here() {
  platform_.answers().place(local_.message);
  exchange_.answered_here();
  send_answer();
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
  if (exchange_.parked() && (runtime_.pending() & kHungUp) != 0) {
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

/// Of the platform's answer only the status counts.
void RelayConnection::pump_early_answer() {
  const bool answered = exchange_.response_done();
  PlatformSide::Step step = PlatformSide::Step::passed;
  while (step == PlatformSide::Step::passed) {
    step = platform_.swallow_step(exchange_);
  }
  if (step == PlatformSide::Step::nonsense) {
    platform_left_early();
    return;
  }
  if (!answered && exchange_.response_done()) {
    platform_.answers().place(early_answer_result(exchange_.status()));
    // Whoever asked may be gone; the answer counts all the same.
    static_cast<void>(runtime_.send(platform_.answers()));
  }
  exchange_.tell_response();
  platform_.answers().keep();
  if (end_exchange_if_done()) {
    pump_request();
  }
}

void RelayConnection::send_answer() {
  if (!runtime_.send(platform_.answers())) {
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

bool RelayConnection::gathers() const {
  constexpr std::size_t kFirstBlock = std::size_t{64} << 10;
  if (collected_) {
    return collecting();
  }
  return all_here() && !streams_ && !exchange_.request_done() &&
         runtime_.requests().unsent_size() < kFirstBlock;
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
