// Exchanges that are answered here, or go to the platform as requests of ours.
#include "runtime/relay_connection.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace postlude::runtime {

/// False: the answer is held.
bool RelayConnection::begin_answer(const Exchange& exchange, std::size_t head_size) {
  const HttpHead head(runtime_.requests().stepped(head_size));
  const AnswerTurn turn = exchange_.begin_answer(exchange, head);
  switch (turn.kind) {
    case AnswerTurn::Kind::waits:
      return hold(head_size);
    case AnswerTurn::Kind::discarded:
      return begin_local(acknowledge_discarded(head), head_size);
    case AnswerTurn::Kind::handler:
      answers_handler_ = true;
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

/// True: there is an event of ours for this poll.
bool RelayConnection::begin_own_event(std::size_t head_size) {
  // It must not be written to a runtime that hung up while its poll was held.
  if ((runtime_.pending() & (POLLRDHUP | POLLHUP | POLLERR)) != 0) {
    return false;
  }
  own_event_ = context_.traffic.own_event();
  if (!own_event_) {
    return false;
  }
  event_placed_ = 0;
  LocalAnswer answer = manners_of(HttpHead(runtime_.requests().stepped(head_size)));
  answer.wants_continue = false;  // a poll has no body to wait for
  answer.message = own_event_->head;
  static_cast<void>(begin_local(std::move(answer), head_size));
  return true;
}

/// False: there is none any more, or the connection had to end.
bool RelayConnection::place_event_piece() {
  const std::uint64_t left = own_event_->bytes - event_placed_;
  if (left == 0) {
    own_event_.reset();
    exchange_.answered_here();
    return false;
  }
  ScratchBlock& block = context_.scratch;
  const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(left, block.size()));
  const auto at = static_cast<off_t>(event_placed_);
  ssize_t size = 0;
  do {
    size = ::pread(own_event_->body.get(), block.data(), most, at);
  } while (size < 0 && errno == EINTR);
  if (size <= 0) {
    // What was promised cannot be kept: only a broken connection says so.
    own_event_.reset();
    runtime_.reset();
    finish();
    return false;
  }
  platform_.answers().place(std::string_view(block.data(), static_cast<std::size_t>(size)));
  event_placed_ += static_cast<std::uint64_t>(size);
  return true;
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
  if (exchange_.kind() == ExchangeKind::defer) {
    local_.message = context_.traffic.defer(named_, std::exchange(deferred_, {}));
  } else if (exchange_.kind() == ExchangeKind::inspect && local_.message.empty()) {
    awaiting_ = std::make_shared<RelayConnection*>(this);
    context_.traffic.inspect(named_, [asked = std::weak_ptr(awaiting_)](std::string message) {
      if (const auto asker = asked.lock()) {
        (*asker)->replied(std::move(message));
      }
    });
    return;
  }
  if (std::exchange(answers_handler_, false)) {
    context_.traffic.handler_answered();
  }
  platform_.answers().place(local_.message);
  if (!own_event_) {
    exchange_.answered_here();
  }
  send_answer();
}

void RelayConnection::replied(std::string message) {
  awaiting_.reset();
  if (phase_ != Phase::local) {
    return;
  }
  local_.message = std::move(message);
  answer_here();
  if (end_exchange_if_done()) {
    pump_request();
  }
  update_events();
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

bool RelayConnection::gathers() const {
  constexpr std::size_t kFirstBlock = std::size_t{64} << 10;
  if (collected_) {
    return collecting();
  }
  return all_here() && !streams_ && !exchange_.request_done() &&
         runtime_.requests().unsent_size() < kFirstBlock;
}

}  // namespace postlude::runtime
