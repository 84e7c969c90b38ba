#include "runtime/relay_connection.h"

namespace postlude::runtime {

/// The lane holds the head that would go up.
void RelayConnection::collect_if_buffered() {
  RelayLane& lane = runtime_.requests();
  const std::size_t size = lane.unsent_size();
  const HttpHead head(lane.stepped(size));
  if (phase_ == Phase::finished || !is_buffered(head)) {
    return;
  }
  collected_ = std::make_unique<CollectedAnswer>(lane.stepped(size));
  went_up_ = false;
  const bool relayed = phase_ == Phase::relaying;
  if (relayed) {
    local_ = manners_of(head);
  }
  lane.drop(size);
  if (relayed) {
    allow_body();  // nobody else does before all of it is here
  }
}

void RelayConnection::collect(const FramingStep& step) {
  RelayLane& lane = runtime_.requests();
  const std::string_view bytes = lane.stepped(step.consumed);
  if (step.event == FramingEvent::end) {
    exchange_.request_read();
    collected_->end();
  } else {
    // Told at once: its bytes go nowhere, and the lane changes before they would be told.
    exchange_.note_request(step.event, bytes);
    exchange_.tell_request();
    if (step.event == FramingEvent::payload) {
      collected_->append(bytes);
    } else if (step.event == FramingEvent::trailers) {
      collected_->trailers(bytes);
    }
  }
  lane.drop(step.consumed);
  if (!collecting() && !went_up_ && platform_.stirs()) {
    platform_.forget();  // as before any request (begin_exchange)
  }
}

/// As far as the platform takes it. False: no connection could be made.
bool RelayConnection::send_collected() {
  RelayLane& lane = runtime_.requests();
  do {
    if (!lane.unsent()) {
      const std::string_view piece = collected_->next();
      if (piece.empty()) {
        return true;
      }
      lane.insert(piece);
    }
    if (!platform_.send(lane)) {
      return false;
    }
  } while (!lane.unsent() && !collected_->over());
  if (!lane.unsent()) {
    collected_.reset();
    exchange_.tell_sent();
  }
  return true;
}

/// The platform answered before it had all of it: it wants no more.
void RelayConnection::drop_collected() {
  if (collected_) {
    collected_.reset();
    runtime_.requests().discard();
    platform_.abandon();
  }
}

}  // namespace postlude::runtime
