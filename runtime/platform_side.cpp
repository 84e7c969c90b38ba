#include "runtime/platform_side.h"

#include <poll.h>

#include <utility>

namespace postlude::runtime {

bool PlatformSide::send(RelayLane& requests) {
  if (requests.unsent() && !socket_.is_open()) {
    auto connecting = start_connect(context_.platform);
    if (!connecting) {
      return false;
    }
    socket_.open(std::move(*connecting));
  }
  if (takes_nothing_ || requests.send(socket_.fd()) == RelayLane::Io::reset) {
    takes_nothing_ = true;
    requests.discard();
  }
  return true;
}

void PlatformSide::send_end(RelayLane& requests) {
  if (!socket_.is_open() || requests.unsent() || std::exchange(sent_end_, true)) {
    return;
  }
  requests.approve(requests.rest().size());
  static_cast<void>(requests.send(socket_.fd()));
  requests.discard();
  socket_.half_close();
}

PlatformSide::Step PlatformSide::take_step(RelayExchange& exchange) {
  return step(exchange, Bytes::kept);
}

PlatformSide::Step PlatformSide::swallow_step(RelayExchange& exchange) {
  return step(exchange, Bytes::dropped);
}

PlatformSide::Step PlatformSide::step(RelayExchange& exchange, Bytes bytes) {
  if (exchange.response_done()) {
    return answers_.rest().empty() ? Step::none : Step::nonsense;
  }
  const FramingStep step = answers_.step();
  if (step.event == FramingEvent::need_more) {
    return Step::none;
  }
  if (step.event == FramingEvent::invalid) {
    return Step::nonsense;
  }
  exchange.note_response(step.event, answers_.stepped(step.consumed));
  if (bytes == Bytes::dropped) {
    answers_.drop(step.consumed);
  }
  return Step::passed;
}

bool PlatformSide::end_ends_answer(const RelayExchange& exchange) const {
  const HttpFraming& framing = answers_.framing();
  return exchange.response_began() && framing.may_close() && framing.in_message();
}

bool PlatformSide::stirs() const {
  return (socket_.pending() & (POLLIN | POLLHUP | POLLERR)) != 0;
}

void PlatformSide::update_events(const RelayLane& requests) {
  socket_.want(
      static_cast<short>((answers_.unsent() ? 0 : POLLIN) | (requests.unsent() ? POLLOUT : 0)));
}

void PlatformSide::adopt(OrphanPoll orphan) {
  forget();
  answers_ = std::move(orphan.answers);
  socket_.open(std::move(orphan.platform));
}

OrphanPoll PlatformSide::release_poll(ExchangeKind kind) {
  // It keeps its place in nobody's loop: what the platform answers waits in the socket.
  return {socket_.release(), kind, std::move(answers_)};
}

void PlatformSide::forget() {
  abandon();
  answers_ = RelayLane(MessageKind::response);
}

void PlatformSide::abandon() {
  socket_.close();
  takes_nothing_ = false;
  sent_end_ = false;
}

}  // namespace postlude::runtime
