#include "tests/emulator/telemetry.h"

#include "tests/emulator/json_log_lines.h"
#include "tests/emulator/telemetry_buffer.h"

#include <httplib.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <stop_token>
#include <thread>
#include <utility>

namespace postlude::emulator {
namespace {

/// A listener that is not there yet gets some time; one that never comes holds nothing up.
constexpr int kTries = 10;
constexpr std::chrono::milliseconds kBetweenTries{100};
/// A listener may be frozen in the middle of a batch for as long as its environment idles.
constexpr std::chrono::hours kPatience{24};
constexpr std::chrono::milliseconds kStopStep{5};

}  // namespace

class Telemetry::Subscriber {
 public:
  explicit Subscriber(const TelemetrySubscription& wanted)
      : wanted_(wanted), client_("127.0.0.1", wanted.port), buffer_(wanted) {
    client_.set_read_timeout(kPatience);
    client_.set_write_timeout(kPatience);
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }
  ~Subscriber() {
    thread_.request_stop();
    std::unique_lock lock(mutex_);
    // A call that begins behind a stop() is not ended by it.
    while (!changed_.wait_for(lock, kStopStep, [&] { return ended_; })) {
      client_.stop();
    }
  }
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;

  [[nodiscard]] bool wants(TelemetrySource source) const {
    return wanted_.sources.contains(source);
  }

  void push(const std::string& event) {
    const std::lock_guard lock(mutex_);
    buffer_.push(event, TelemetryBuffer::Clock::now());
    changed_.notify_all();
  }

  void hurry() {
    const std::lock_guard lock(mutex_);
    buffer_.hurry();
    changed_.notify_all();
  }

 private:
  void run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      const auto due = buffer_.due();
      const auto news = [&] { return buffer_.due() != due; };
      if (!due) {
        changed_.wait(lock, stop, news);
      } else if (*due > TelemetryBuffer::Clock::now()) {
        changed_.wait_until(lock, stop, *due, news);
      } else {
        const auto batch = buffer_.take(TelemetryBuffer::Clock::now());
        lock.unlock();
        const bool delivered = deliver(batch.body, stop);
        lock.lock();
        if (!delivered) {
          buffer_.lose(batch);
        }
        tell_lost();
      }
    }
    ended_ = true;
    changed_.notify_all();
  }

  bool deliver(const std::string& batch, const std::stop_token& stop) {
    constexpr int kFirstFailure = 300;
    for (int tries = 0; tries < kTries && !stop.stop_requested(); ++tries) {
      const auto answer = client_.Post(wanted_.path, batch, "application/json");
      if (answer && answer->status < kFirstFailure) {
        return true;
      }
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, stop, kBetweenTries, [] { return false; });
    }
    return false;
  }

  void tell_lost() {
    const auto lost = buffer_.take_lost();
    if (lost.events > 0 && wants(TelemetrySource::platform)) {
      buffer_.push(json_logs_dropped(lost.events, lost.bytes), TelemetryBuffer::Clock::now());
    }
  }

  const TelemetrySubscription wanted_;
  httplib::Client client_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  TelemetryBuffer buffer_;
  bool ended_ = false;
  std::jthread thread_;
};

Telemetry::Telemetry() = default;
Telemetry::~Telemetry() = default;

void Telemetry::subscribe(const std::string& extension, const TelemetrySubscription& wanted) {
  auto subscriber = std::make_unique<Subscriber>(wanted);
  {
    const std::lock_guard lock(mutex_);
    subscribers_[extension].swap(subscriber);
  }
  // An earlier one ends here, outside of the lock.
}

bool Telemetry::wanted(TelemetrySource source) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(subscribers_.begin(), subscribers_.end(), [&](const auto& one) {
    return one.second->wants(source);
  });
}

void Telemetry::publish(TelemetrySource source, const std::string& event) {
  const std::lock_guard lock(mutex_);
  for (const auto& [extension, subscriber] : subscribers_) {
    if (subscriber->wants(source)) {
      subscriber->push(event);
    }
  }
}

void Telemetry::hurry() {
  const std::lock_guard lock(mutex_);
  for (const auto& [extension, subscriber] : subscribers_) {
    subscriber->hurry();
  }
}

void Telemetry::end() {
  std::map<std::string, std::unique_ptr<Subscriber>> all;  // ends outside of the lock
  const std::lock_guard lock(mutex_);
  all.swap(subscribers_);
}

}  // namespace postlude::emulator
