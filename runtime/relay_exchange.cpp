#include "runtime/relay_exchange.h"

#include <utility>

namespace postlude::runtime {
namespace {

bool interim(int status) {
  constexpr int kFirstFinal = 200;
  constexpr int kSwitchingProtocols = 101;
  return status < kFirstFinal && status != kSwitchingProtocols;
}

}  // namespace

void RelayExchange::clear() {
  kind_ = ExchangeKind::other;
  sequence_ = 0;
  status_ = 0;
  request_done_ = true;
  response_done_ = true;
  response_began_ = false;
  passed_.clear();
}

void RelayExchange::begin(ExchangeKind kind) {
  clear();
  kind_ = kind;
  request_done_ = false;
  response_done_ = false;
}

AnswerTurn RelayExchange::begin_answer(const Exchange& exchange, const HttpHead& head) {
  AnswerTurn turn = traffic_.answer_head(exchange, head);
  sequence_ = turn.sequence;
  return turn;
}

void RelayExchange::note_request(FramingEvent event, std::string_view bytes) {
  request_done_ = event == FramingEvent::end;
  if (counts() && event != FramingEvent::framing) {
    passed_.push_back({event, bytes});
  }
}

void RelayExchange::note_response(FramingEvent event, std::string_view bytes) {
  if (event == FramingEvent::head) {
    status_ = HttpHead(bytes).status();
    response_began_ = !interim(status_);
  } else if (event == FramingEvent::end) {
    response_done_ = !interim(status_);
  }
  const bool told = kind_ == ExchangeKind::next || kind_ == ExchangeKind::restore_next || counts();
  if (told && event != FramingEvent::framing) {
    passed_.push_back({event, bytes});
  }
}

void RelayExchange::tell_request() {
  for (const Passed& passed : passed_) {
    if (passed.event == FramingEvent::payload) {
      traffic_.answer_bytes(sequence_, passed.bytes);
    } else if (passed.event == FramingEvent::trailers) {
      traffic_.answer_trailers(sequence_, passed.bytes);
    } else if (passed.event == FramingEvent::end) {
      traffic_.answer_sent(sequence_);
    }
  }
  passed_.clear();
}

void RelayExchange::tell_sent() {
  if (counts()) {
    traffic_.answer_sent(sequence_);
  }
}

void RelayExchange::tell_response() {
  constexpr int kOk = 200;
  for (const Passed& passed : passed_) {
    if (kind_ == ExchangeKind::next) {
      if (passed.event == FramingEvent::head && status_ == kOk) {
        sequence_ = traffic_.event_head(HttpHead(passed.bytes));
      } else if (passed.event == FramingEvent::payload && sequence_ != 0) {
        traffic_.event_bytes(sequence_, passed.bytes);
      }
    } else if (kind_ == ExchangeKind::restore_next) {
      if (passed.event == FramingEvent::head && status_ == kOk) {
        traffic_.restored();
      }
    } else if (passed.event == FramingEvent::end && response_done_) {
      traffic_.answer_acknowledged(sequence_, status_);
    }
  }
  passed_.clear();
}

void RelayExchange::cut() {
  passed_.clear();
  if (counts() && !request_done_) {
    traffic_.answer_cut(std::exchange(sequence_, 0));
  }
}

void RelayExchange::withdraw() {
  passed_.clear();
  if (counts()) {
    traffic_.answer_withdrawn(std::exchange(sequence_, 0));
  }
}

void RelayExchange::lost() {
  passed_.clear();
  if (counts() && !response_done_) {
    traffic_.answer_acknowledged(std::exchange(sequence_, 0), 0);
  }
}

}  // namespace postlude::runtime
