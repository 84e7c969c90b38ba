// Exchanges that are answered here, or go to the platform as requests of ours.
#include "runtime/relay_connection.h"

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
  platform_.answers().place(local_.message);
  exchange_.answered_here();
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
