#include "runtime/relay_connection.h"

#include "common/clock.h"
#include "runtime/function_api.h"

#include <poll.h>
#include <sys/socket.h>

#include <utility>

namespace postlude::runtime {
namespace {

/// An answer that came before the request was whole must not be lost to a reset: the runtime gets
/// this long to read it and close.
constexpr Millis kLingerTime = std::chrono::seconds(2);

constexpr short kHungUp = POLLRDHUP | POLLHUP | POLLERR;

/// The peer sees a reset, as we did.
void reset_on_close(UniqueFd& fd) {
  const struct linger now_and_hard = {1, 0};
  static_cast<void>(
      ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &now_and_hard, sizeof now_and_hard));
  fd.reset();
}

bool is_poll(ExchangeKind kind) {
  return kind == ExchangeKind::next || kind == ExchangeKind::restore_next;
}

bool interim(int status) {
  constexpr int kSwitchingProtocols = 101;
  return status < 200 && status != kSwitchingProtocols;
}

}  // namespace

RelayConnection::RelayConnection(RelayContext& context, UniqueFd downstream, const Owner& owner)
    : context_(context), owner_(owner), downstream_(std::move(downstream)) {
  down_slot_ = context_.loop.add(
      downstream_.get(), POLLIN | POLLRDHUP, [this](short revents) { on_downstream(revents); });
}

RelayConnection::~RelayConnection() {
  drop_downstream();
  drop_upstream();
  if (linger_timer_) {
    context_.loop.cancel(*linger_timer_);
  }
}

void RelayConnection::resume() {
  if (phase_ != Phase::held) {
    return;
  }
  request_.approve(held_head_);
  if (begin_poll(held_head_)) {
    pump_request();
  }
}

// --- the runtime's side ---

void RelayConnection::on_downstream(short revents) {
  if (phase_ == Phase::finished) {
    return;
  }
  if ((revents & POLLERR) != 0) {
    runtime_reset();
    return;
  }
  if (phase_ == Phase::lingering) {
    drain_lingering();
    return;
  }
  if ((revents & POLLOUT) != 0) {
    send_response();
  }
  if (phase_ != Phase::finished && (revents & (POLLIN | POLLRDHUP | POLLHUP)) != 0) {
    if (may_read_request()) {
      read_request();
    } else if ((revents & kHungUp) != 0) {
      runtime_hung_up_ = true;
      runtime_gone();
    }
  }
  update_events();
}

void RelayConnection::read_request() {
  switch (request_.receive(downstream_.get(), context_.scratch)) {
    case RelayLane::Io::progress:
      pump_request();
      break;
    case RelayLane::Io::blocked:
      break;
    case RelayLane::Io::closed:
      runtime_ended();
      break;
    case RelayLane::Io::reset:
      runtime_reset();
      break;
  }
}

void RelayConnection::pump_request() {
  passed_.clear();
  while (take_request_step()) {
  }
  if (phase_ == Phase::finished || phase_ == Phase::lingering) {
    return;
  }
  send_request();
  tell_request();
  request_.keep();
  if (phase_ == Phase::local && request_done_) {
    answer_here();
  }
  update_events();
}

/// False: nothing more can be done with what is there.
bool RelayConnection::take_request_step() {
  const bool answer_pending = request_done_ && phase_ != Phase::idle;
  if (answer_pending || phase_ == Phase::held || (phase_ == Phase::idle && request_.unsent())) {
    return false;
  }
  const FramingStep step = request_.step();
  switch (step.event) {
    case FramingEvent::need_more:
      return false;
    case FramingEvent::invalid:
      refuse_request();
      return false;
    case FramingEvent::head:
      return begin_exchange(step.consumed);
    case FramingEvent::end:
      request_done_ = true;
      passed_.push_back({step.event, {}});
      return false;
    case FramingEvent::framing:
    case FramingEvent::payload:
    case FramingEvent::trailers:
      if (phase_ == Phase::local) {
        request_.drop(step.consumed);
      } else {
        passed_.push_back({step.event, request_.stepped(step.consumed)});
      }
      return true;
  }
  return false;
}

/// False: the head waits.
bool RelayConnection::begin_exchange(std::size_t head_size) {
  const HttpHead head(request_.stepped(head_size));
  const Exchange exchange = classify(head.method(), head.target());
  kind_ = exchange.kind;
  sequence_ = 0;
  status_ = 0;
  request_done_ = false;
  response_done_ = false;
  response_began_ = false;
  if (kind_ == ExchangeKind::local) {
    phase_ = Phase::local;
    local_answer_ =
        answer_function_call(head.method(), head.target(), context_.traffic.extension_state());
    request_.drop(head_size);
    return true;
  }
  if (is_poll(kind_)) {
    context_.traffic.poll_asked(kind_);
    return begin_poll(head_size);
  }
  phase_ = Phase::relaying;
  if (head.method() == "HEAD") {
    response_.framing().expect_no_body();
  }
  if (kind_ == ExchangeKind::response || kind_ == ExchangeKind::invocation_error) {
    sequence_ = context_.traffic.answer_head(exchange, head);
  }
  return true;
}

bool RelayConnection::begin_poll(std::size_t head_size) {
  if (!context_.traffic.may_poll()) {
    request_.withhold(head_size);
    held_head_ = head_size;
    phase_ = Phase::held;
    return false;
  }
  phase_ = Phase::relaying;
  context_.traffic.poll_went_up();
  if (auto orphan = owner_.take_orphan(kind_)) {
    request_.drop(head_size);
    adopt(std::move(*orphan));
  }
  return true;
}

void RelayConnection::answer_here() {
  response_.place(std::exchange(local_answer_, {}));
  response_done_ = true;
  end_exchange_if_done();
  send_response();
}

/// Not HTTP as both sides would read it: nothing of it goes up.
void RelayConnection::refuse_request() {
  if (phase_ != Phase::idle || response_.unsent()) {
    runtime_reset();
    return;
  }
  static constexpr std::string_view kRefusal =
      "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  request_.discard();
  response_.place(std::string(kRefusal));
  static_cast<void>(response_.send(downstream_.get()));
  linger();
}

/// The end of the runtime's stream was read.
void RelayConnection::runtime_ended() {
  if (phase_ != Phase::relaying || !upstream_) {
    finish();
    return;
  }
  if (counts()) {
    context_.traffic.answer_cut(sequence_);
    sequence_ = 0;
  }
  send_request();
  update_events();
}

void RelayConnection::runtime_reset() {
  if (phase_ == Phase::relaying && !request_done_) {
    if (counts()) {
      context_.traffic.answer_cut(sequence_);
    }
    if (upstream_) {
      reset_on_close(upstream_);
    }
    finish();
    return;
  }
  runtime_gone();
}

/// The runtime will read nothing any more (or so it seems: a client may close only its own side).
void RelayConnection::runtime_gone() {
  if (parked() && !request_.unsent()) {
    // It keeps its slot in nobody's loop: what the platform answers waits in the socket.
    OrphanPoll orphan{std::exchange(upstream_, {}), kind_};
    if (up_slot_) {
      context_.loop.remove(*std::exchange(up_slot_, {}));
    }
    owner_.orphaned(std::move(orphan));
    finish();
  } else if (phase_ != Phase::relaying || parked()) {
    finish();
  }
  // Otherwise a whole request waits for its answer: the platform's word on it still counts.
}

void RelayConnection::drain_lingering() {
  switch (request_.receive(downstream_.get(), context_.scratch)) {
    case RelayLane::Io::progress:
      request_ = RelayLane(MessageKind::request);
      break;
    case RelayLane::Io::blocked:
      send_response();
      break;
    case RelayLane::Io::closed:
    case RelayLane::Io::reset:
      finish();
      break;
  }
}

// --- the platform's side ---

void RelayConnection::on_upstream(short revents) {
  if (phase_ == Phase::finished) {
    return;
  }
  // A poll's event must not be written to a runtime that hung up in the meantime.
  if (parked() && down_slot_) {
    const short other = context_.loop.pending(*down_slot_);
    if ((other & kHungUp) != 0) {
      on_downstream(other);
      return;
    }
  }
  if ((revents & POLLOUT) != 0) {
    send_request();
  }
  if (phase_ != Phase::finished && (revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
    if (!response_.unsent()) {
      read_response();
    } else {
      platform_hung_up_ = platform_hung_up_ || (revents & (POLLHUP | POLLERR)) != 0;
    }
  }
  update_events();
}

void RelayConnection::read_response() {
  switch (response_.receive(upstream_.get(), context_.scratch)) {
    case RelayLane::Io::progress:
      pump_response();
      break;
    case RelayLane::Io::blocked:
      break;
    case RelayLane::Io::closed:
      platform_ended();
      break;
    case RelayLane::Io::reset:
      platform_reset();
      break;
  }
}

void RelayConnection::pump_response() {
  passed_.clear();
  while (take_response_step()) {
  }
  if (phase_ == Phase::finished) {
    return;
  }
  send_response();
  tell_response();
  response_.keep();
  end_exchange_if_done();
}

bool RelayConnection::take_response_step() {
  if (response_done_) {
    if (!response_.rest().empty()) {
      platform_reset();  // bytes that answer nothing
    }
    return false;
  }
  const FramingStep step = response_.step();
  switch (step.event) {
    case FramingEvent::need_more:
      return false;
    case FramingEvent::invalid:
      platform_reset();
      return false;
    case FramingEvent::head:
      status_ = HttpHead(response_.stepped(step.consumed)).status();
      response_began_ = response_began_ || !interim(status_);
      break;
    case FramingEvent::end:
      response_done_ = !interim(status_);
      break;
    case FramingEvent::framing:
    case FramingEvent::payload:
    case FramingEvent::trailers:
      break;
  }
  passed_.push_back({step.event, response_.stepped(step.consumed)});
  return true;
}

void RelayConnection::platform_ended() {
  if (phase_ == Phase::relaying && response_began_ && response_.framing().may_close() &&
      response_.framing().in_message()) {
    // A body that the end of the connection ends.
    response_done_ = true;
    passed_.clear();
    passed_.push_back({FramingEvent::end, {}});
    tell_response();
  } else if (!response_done_) {
    answer_lost();
    // A cut head or chunk line passes as it came.
    response_.approve(response_.rest().size());
    static_cast<void>(response_.send(downstream_.get()));
  }
  if (request_done_ || !downstream_) {
    finish();
  } else {
    linger();
  }
}

void RelayConnection::platform_reset() {
  answer_lost();
  if (downstream_ && phase_ != Phase::idle) {
    if (down_slot_) {
      context_.loop.remove(*std::exchange(down_slot_, {}));
    }
    reset_on_close(downstream_);
  }
  finish();
}

/// The platform went away without a word on an answer: it did not take it.
void RelayConnection::answer_lost() {
  if (counts() && !response_done_) {
    context_.traffic.answer_acknowledged(std::exchange(sequence_, 0), 0);
  }
}

// --- both ---

void RelayConnection::connect_upstream() {
  auto connecting = start_connect(context_.platform);
  if (!connecting) {
    platform_reset();
    return;
  }
  upstream_ = std::move(*connecting);
  up_slot_ =
      context_.loop.add(upstream_.get(), POLLIN, [this](short revents) { on_upstream(revents); });
}

void RelayConnection::adopt(OrphanPoll orphan) {
  drop_upstream();
  response_ = RelayLane(MessageKind::response);
  platform_hung_up_ = false;
  upstream_ = std::move(orphan.upstream);
  up_slot_ =
      context_.loop.add(upstream_.get(), POLLIN, [this](short revents) { on_upstream(revents); });
}

void RelayConnection::send_request() {
  if (request_.unsent() && !upstream_) {
    connect_upstream();
    if (phase_ == Phase::finished) {
      return;
    }
  }
  if (platform_takes_nothing_ || request_.send(upstream_.get()) == RelayLane::Io::reset) {
    // It may have answered before it closed: that answer is still to be read.
    platform_takes_nothing_ = true;
    request_.discard();
  }
  const bool cut = request_.ended() && !request_done_;
  if (cut && !request_.unsent() && upstream_ && !std::exchange(sent_end_, true)) {
    request_.approve(request_.rest().size());
    static_cast<void>(request_.send(upstream_.get()));
    ::shutdown(upstream_.get(), SHUT_WR);
  }
}

void RelayConnection::send_response() {
  if (!downstream_) {
    response_.discard();
  } else if (response_.send(downstream_.get()) == RelayLane::Io::reset) {
    response_.discard();
    drop_downstream();
    if (phase_ != Phase::relaying || !request_done_) {
      runtime_reset();
    }
  }
}

void RelayConnection::tell_request() {
  for (const Passed& passed : passed_) {
    if (!counts()) {
      return;
    }
    if (passed.event == FramingEvent::payload) {
      context_.traffic.answer_bytes(sequence_, passed.bytes);
    } else if (passed.event == FramingEvent::trailers) {
      context_.traffic.answer_trailers(sequence_, passed.bytes);
    } else if (passed.event == FramingEvent::end) {
      context_.traffic.answer_sent(sequence_);
    }
  }
}

void RelayConnection::tell_response() {
  constexpr int kOk = 200;
  for (const Passed& passed : passed_) {
    if (kind_ == ExchangeKind::next && passed.event == FramingEvent::head && status_ == kOk) {
      sequence_ = context_.traffic.event_head(HttpHead(passed.bytes));
    } else if (kind_ == ExchangeKind::next && sequence_ != 0 &&
               passed.event == FramingEvent::payload) {
      context_.traffic.event_bytes(sequence_, passed.bytes);
    } else if (counts() && passed.event == FramingEvent::end && response_done_) {
      context_.traffic.answer_acknowledged(sequence_, status_);
    }
  }
}

void RelayConnection::end_exchange_if_done() {
  if (!response_done_ || !request_done_ || phase_ == Phase::idle) {
    return;
  }
  phase_ = Phase::idle;
  kind_ = ExchangeKind::other;
  sequence_ = 0;
  if (!downstream_) {
    finish();
  } else if (runtime_hung_up_) {
    // Now its end can be read, and what it may have sent before that.
    runtime_hung_up_ = false;
  }
  if (phase_ == Phase::idle && request_.unread()) {
    pump_request();
  }
}

void RelayConnection::linger() {
  drop_upstream();
  phase_ = Phase::lingering;
  ::shutdown(downstream_.get(), SHUT_WR);
  linger_timer_ = context_.loop.at(now() + kLingerTime, [this] {
    linger_timer_.reset();
    finish();
  });
  update_events();
}

void RelayConnection::finish() {
  if (phase_ == Phase::finished) {
    return;
  }
  phase_ = Phase::finished;
  drop_downstream();
  drop_upstream();
  owner_.ended(*this);
}

void RelayConnection::drop_downstream() {
  if (down_slot_) {
    context_.loop.remove(*std::exchange(down_slot_, {}));
  }
  downstream_.reset();
}

void RelayConnection::drop_upstream() {
  if (up_slot_) {
    context_.loop.remove(*std::exchange(up_slot_, {}));
  }
  upstream_.reset();
}

bool RelayConnection::may_read_request() const {
  const bool expects = phase_ == Phase::idle || !request_done_;
  return expects && phase_ != Phase::held && !request_.ended() && !request_.unsent();
}

bool RelayConnection::parked() const {
  return phase_ == Phase::relaying && is_poll(kind_) && request_done_ && !response_began_;
}

void RelayConnection::update_events() {
  if (phase_ == Phase::finished) {
    return;
  }
  if (down_slot_) {
    const bool lingering = phase_ == Phase::lingering;
    const bool listens = !request_.ended() && !runtime_hung_up_;
    context_.loop.set_events(
        *down_slot_,
        static_cast<short>((lingering || may_read_request() ? POLLIN : 0) |
                           (listens ? POLLRDHUP : 0) | (response_.unsent() ? POLLOUT : 0)));
  }
  // A peer that hung up is reported whatever is asked for: it waits outside the loop until the
  // runtime has read what there is.
  const bool wait_outside = platform_hung_up_ && response_.unsent();
  if (wait_outside && up_slot_) {
    context_.loop.remove(*std::exchange(up_slot_, {}));
  } else if (!wait_outside && upstream_ && !up_slot_) {
    up_slot_ =
        context_.loop.add(upstream_.get(), POLLIN, [this](short revents) { on_upstream(revents); });
  }
  if (up_slot_) {
    context_.loop.set_events(
        *up_slot_,
        static_cast<short>((response_.unsent() ? 0 : POLLIN) | (request_.unsent() ? POLLOUT : 0)));
  }
}

}  // namespace postlude::runtime
