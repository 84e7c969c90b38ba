#include "tests/emulator/event_queue.h"

#include "tests/emulator/extension_registry.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace postlude::emulator {
namespace {

using std::chrono::milliseconds;

// Where nothing has room for an event, the service tries again from a second to five minutes
// later, for six hours.
constexpr milliseconds kFirstBackoff{1000};
constexpr milliseconds kLastBackoff{300'000};
constexpr std::chrono::hours kMaxAge{6};

}  // namespace

EventQueue::~EventQueue() {
  std::list<std::unique_ptr<Event>> all;
  {
    const std::lock_guard lock(mutex_);
    all.swap(events_);
  }
  for (const auto& event : all) {
    event->thread.request_stop();
  }
}

bool EventQueue::push(InvocationRequest request) {
  const std::lock_guard lock(mutex_);
  events_.remove_if([](const auto& event) { return event->done.load(); });
  if (events_.size() >= kMaxEvents) {
    return false;
  }
  journal_.record("eventQueued", {{"requestId", request.request_id}});
  auto event = std::make_unique<Event>();
  Event* one = event.get();
  one->thread =
      std::jthread([this, one, request = std::move(request)](const std::stop_token& stop) {
        process(request, stop);
        one->done = true;
      });
  events_.push_back(std::move(event));
  return true;
}

bool EventQueue::wait(milliseconds time, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  stopped_.wait_for(lock, stop, time, [] { return false; });
  return !stop.stop_requested();
}

std::shared_ptr<Invocation> EventQueue::admit(const InvocationRequest& request,
                                              const std::stop_token& stop) {
  const auto end = std::chrono::steady_clock::now() + kMaxAge;
  milliseconds backoff = kFirstBackoff;
  while (std::chrono::steady_clock::now() < end) {
    auto invocation = std::make_shared<Invocation>(request);
    if (fleet_.admit(invocation) == Fleet::Admission::admitted) {
      return invocation;
    }
    journal_.record("throttled", {{"requestId", request.request_id}});
    if (!wait(backoff, stop)) {
      break;
    }
    backoff = std::min(backoff * 2, kLastBackoff);
  }
  return nullptr;
}

void EventQueue::process(const InvocationRequest& request, const std::stop_token& stop) {
  InvocationRequest attempt = request;
  std::string error_type;
  int attempts = 0;
  for (bool again = true; again;) {
    journal_.record("eventAttempt", {{"requestId", attempt.request_id}, {"attempt", attempts + 1}});
    const auto invocation = admit(attempt, stop);
    if (!invocation) {
      error_type = "MaximumEventAgeExceeded";
      break;
    }
    ++attempts;
    static_cast<void>(invocation->wait_finished());
    const auto failure = invocation->outcome();
    error_type = failure ? failure->error_type : std::string();
    // The first retry comes after a while, the second after twice as long.
    again = failure && attempts <= kRetries && wait(options_.retry_delay * attempts, stop);
    if (!attempt.attempt_id.empty()) {
      attempt.attempt_id = new_uuid();
    }
  }
  journal_.record("eventDone",
                  {{"requestId", attempt.request_id},
                   {"attempts", attempts},
                   {"status", error_type.empty() ? "success" : "failed"},
                   {"errorType", error_type}});
}

}  // namespace postlude::emulator
