// Managed Instances (lambda-protocol.md 1.11): several invocations at once, and polls that end
// none.
#include "common/json_text.h"
#include "runtime/invocation_flow.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace postlude::runtime {
namespace {

/// Answered invocations whose handlers may still call us; the oldest is forgotten first. A handler
/// that works on behind its answer is the exception, and each of these takes about a KiB.
constexpr std::size_t kMostLingering = 1024;

/// What the platform tells the caller of an invocation whose time is over.
std::string timeout_error(const InvocationKey& key) {
  return dump_json(
      {{"errorType", "Sandbox.Timedout"},
       {"errorMessage", fmt::format("RequestId: {} Error: Task timed out", key.request_id)}});
}

}  // namespace

void InvocationFlow::expect_overlap() {
  overlap_ = Overlap{};
}

/// Nothing freezes here, so nothing is held for work. But handler tasks need a worker: where some
/// wait, one poll is kept back until the extension has said whether it has an event for it.
bool InvocationFlow::may_poll_overlapping() {
  const bool fresh = std::exchange(overlap_->poll_is_fresh, false);
  auto until = hold_.held_until(now());
  if (until) {
    release_poll_at(*until);
    return false;
  }
  // An attempt in a worker, or one that comes too late for any, keeps no other worker waiting.
  for (const auto& open : open_) {
    if (lane_.busy() || !open->invocation.over() || open->handlers_done || !open->work_deadline ||
        *open->work_deadline <= now()) {
      continue;
    }
    if (!std::exchange(open->told_idle, true)) {
      tell_answered(*open);
      link_.send(Idle{open->invocation.about().key});
    }
    until = std::min(until.value_or(*open->work_deadline), *open->work_deadline);
  }
  if (!until) {
    overlap_->poll_is_held = false;
    return true;
  }
  if (fresh && overlap_->poll_is_held) {
    return true;
  }
  overlap_->poll_is_held = true;
  release_poll_at(*until);
  return false;
}

std::optional<OwnEvent> InvocationFlow::own_event_overlapping() {
  const bool waits = lane_.offered() || lane_.busy();
  if (waits && lane_.attempt().deadline <= now()) {
    tell_attempt_ended("it had no answer in its time");
    lane_.clear();
    if (Open* host = find(lane_.attempt().key.sequence)) {
      host->told_idle = false;
    }
  }
  auto event = lane_.take();
  if (event) {
    overlap_->poll_is_fresh = false;
    overlap_->poll_is_held = false;
  }
  return event;
}

/// Its answer ends it: which worker had it is not known, and that one may poll at any time.
void InvocationFlow::handler_attempt_over() {
  lane_.clear();
  if (Open* host = find(lane_.attempt().key.sequence)) {
    host->told_idle = false;
    advance(*host);
  }
  events_.resume_polls();
}

void InvocationFlow::watch_deadline(std::uint64_t sequence, EpochTime time) {
  Open* open = find(sequence);
  if (open->deadline) {
    loop_.cancel(*open->deadline);
  }
  open->deadline = loop_.at(time, [this, sequence] { time_is_over(sequence); });
}

/// The platform has told the caller, and refuses an answer from now on. The code goes on.
void InvocationFlow::time_is_over(std::uint64_t sequence) {
  Open* open = find(sequence);
  if (open == nullptr) {
    return;
  }
  open->deadline.reset();
  if (!open->invocation.outcome()) {
    if (open->bodies) {
      open->bodies->error = timeout_error(open->invocation.about().key);
    }
    open->invocation.runtime_died(now());
  }
  open->handlers_done = true;
  advance(*open);
  events_.resume_polls();
}

bool InvocationFlow::lingers(const Open& open) const {
  return std::any_of(overlap_->lingering.begin(),
                     overlap_->lingering.end(),
                     [&open](const auto& entry) { return entry.get() == &open; });
}

InvocationFlow::Open* InvocationFlow::find_lingering(std::string_view request_id) {
  auto& lingering = overlap_->lingering;
  const auto found = std::find_if(lingering.rbegin(), lingering.rend(), [&](const auto& open) {
    return open->invocation.about().key.request_id == request_id;
  });
  const bool in_time = found != lingering.rend() && (*found)->invocation.about().deadline > now();
  return in_time ? found->get() : nullptr;
}

/// What was captured of it goes: only tasks that were accepted with its answer need it.
void InvocationFlow::linger(std::unique_ptr<Open> open) {
  auto& lingering = overlap_->lingering;
  open->bodies.reset();
  open->timeout.reset();
  open->deadline.reset();
  lingering.push_back(std::move(open));
  forget_expired();
  if (lingering.size() > kMostLingering) {
    journal_.forget_numbers(lingering.front()->invocation.about().key.sequence);
    lingering.erase(lingering.begin());
  }
}

void InvocationFlow::forget_expired() {
  const auto forget = [this](const std::unique_ptr<Open>& entry) {
    const bool over = entry->invocation.about().deadline <= now();
    if (over) {
      journal_.forget_numbers(entry->invocation.about().key.sequence);
    }
    return over;
  };
  std::erase_if(overlap_->lingering, forget);
}

/// Its handler deferred one more task behind the end: the extension hosts that one in a time of its
/// own, which ends with it.
void InvocationFlow::add_late(Open& open) {
  const auto& about = open.invocation.about();
  AnswerSummary answer = summary_of(open.invocation);
  answer.late_error_type.reset();
  answer.repeated = true;
  unsettled_.push_back(
      {{about.key, *open.work_deadline, answer}, about.deadline, about.deadline, true, true});
  link_.send(unsettled_.back().closed);
}

}  // namespace postlude::runtime
