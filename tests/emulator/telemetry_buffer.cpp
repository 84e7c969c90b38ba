#include "tests/emulator/telemetry_buffer.h"

#include <utility>

namespace postlude::emulator {

void TelemetryBuffer::push(std::string event, Clock::time_point now) {
  if (bytes_ + event.size() > kMaxBytes) {
    ++lost_.events;
    lost_.bytes += event.size();
    return;
  }
  if (events_.empty()) {
    first_at_ = now;
  }
  bytes_ += event.size();
  events_.push_back(std::move(event));
}

std::optional<TelemetryBuffer::Clock::time_point> TelemetryBuffer::due() const {
  if (events_.empty()) {
    return std::nullopt;
  }
  const bool full = events_.size() >= max_items_ || bytes_ >= max_bytes_;
  return full || hurried_ ? first_at_ : first_at_ + timeout_;
}

TelemetryBuffer::Batch TelemetryBuffer::take(Clock::time_point now) {
  Batch batch{.body = "[", .events = 0};
  while (!events_.empty() && batch.events < max_items_) {
    const std::string& event = events_.front();
    if (batch.events > 0 && batch.body.size() + event.size() > max_bytes_) {
      break;
    }
    batch.body += batch.events > 0 ? "," : "";
    batch.body += event;
    ++batch.events;
    bytes_ -= event.size();
    events_.pop_front();
  }
  batch.body += "]";
  first_at_ = now;
  hurried_ = hurried_ && !events_.empty();
  return batch;
}

void TelemetryBuffer::lose(const Batch& batch) {
  lost_.events += batch.events;
  lost_.bytes += batch.body.size();
}

TelemetryBuffer::Lost TelemetryBuffer::take_lost() {
  return std::exchange(lost_, {});
}

}  // namespace postlude::emulator
