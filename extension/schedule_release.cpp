// When an invocation is over for us, and what is said of it then.
#include "extension/schedule.h"

#include <algorithm>
#include <utility>

namespace postlude::extension {
namespace {

/// Releases that are remembered, to recognise what comes too late. More invocations are never in
/// flight at once than a Managed Instance allows.
constexpr std::size_t kReleasesRemembered = 64;

}  // namespace

bool Schedule::was_released(const InvocationKey& key) const {
  return std::find(released_.begin(), released_.end(), key.sequence) != released_.end();
}

void Schedule::tell_handlers_done(Steps& steps) {
  for (Open& invocation : open_) {
    const bool wanted = std::any_of(held_.begin(), held_.end(), [&invocation](const auto& entry) {
      const Held& task = entry.second;
      return task.is_handler && !task.spilling && task.host == invocation.key;
    });
    if (invocation.idle && !wanted) {
      invocation.idle = false;
      steps.emplace_back(HandlersDone{invocation.key});
    }
  }
}

Receipt Schedule::receipt_of(Open& invocation, EpochTime now) {
  std::stable_sort(invocation.tasks.begin(),
                   invocation.tasks.end(),
                   [](const auto& left, const auto& right) { return left.first < right.first; });
  Receipt receipt;
  receipt.request_id = invocation.key.request_id;
  for (auto& [number, task] : invocation.tasks) {
    receipt.tasks.push_back(std::move(task));
  }
  receipt.handler_request_ids = std::move(invocation.handler_request_ids);
  if (invocation.answer) {
    const AnswerSummary& answer = *invocation.answer;
    receipt.response_time = remaining(answer.response_end, answer.event_time);
    receipt.held_time = remaining(now, answer.response_end);
    receipt.late_error_type = answer.late_error_type;
  }
  return receipt;
}

void Schedule::release_settled(EpochTime now, Steps& steps) {
  for (auto invocation = open_.begin(); invocation != open_.end();) {
    const bool busy = std::any_of(held_.begin(), held_.end(), [&invocation](const auto& entry) {
      return entry.second.host == invocation->key;
    });
    if (busy || (!invocation->answer && !shutdown_)) {
      ++invocation;
      continue;
    }
    Receipt receipt = receipt_of(*invocation, now);
    if (!receipt.tasks.empty() || receipt.late_error_type) {
      steps.emplace_back(WriteReceipt{std::move(receipt)});
    }
    if (!shutdown_) {
      steps.emplace_back(ReleaseInvocation{invocation->key, carried(), carried_handlers()});
    }
    released_.push_back(invocation->key.sequence);
    if (released_.size() > kReleasesRemembered) {
      released_.erase(released_.begin());
    }
    invocation = open_.erase(invocation);
  }
}

int Schedule::carried() const {
  return static_cast<int>(std::count_if(
      held_.begin(), held_.end(), [](const auto& entry) { return !entry.second.host; }));
}

int Schedule::carried_handlers() const {
  return static_cast<int>(std::count_if(held_.begin(), held_.end(), [](const auto& entry) {
    return !entry.second.host && entry.second.is_handler;
  }));
}

}  // namespace postlude::extension
