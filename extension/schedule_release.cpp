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

/// And what goes with it: the records of the tasks whose end it tells.
void Schedule::write_receipt(Open& invocation, EpochTime now, Steps& steps) const {
  std::stable_sort(invocation.tasks.begin(),
                   invocation.tasks.end(),
                   [](const Told& left, const Told& right) { return left.number < right.number; });
  Receipt receipt;
  receipt.request_id = invocation.key.request_id;
  Steps removals;
  for (Told& told : invocation.tasks) {
    receipt.tasks.push_back(std::move(told.task));
    if (told.record) {
      removals.emplace_back(RemoveRecord{*told.record});
    }
  }
  receipt.handler_request_ids = std::move(invocation.handler_request_ids);
  if (invocation.answer) {
    const AnswerSummary& answer = *invocation.answer;
    receipt.response_time = remaining(answer.response_end, answer.event_time);
    receipt.held_time = remaining(now, answer.response_end);
    receipt.late_error_type = answer.late_error_type;
    receipt.response_failed = answer.failed;
    receipt.response_repeated = answer.repeated;
  }
  if (receipt.tells() || (tell_every_answer_ && receipt.response_time)) {
    steps.emplace_back(WriteReceipt{std::move(receipt)});
    std::move(removals.begin(), removals.end(), std::back_inserter(steps));
  }
}

Steps Schedule::last_words() {
  Steps steps;
  for (Open& invocation : open_) {
    Receipt receipt;
    receipt.request_id = invocation.key.request_id;
    for (Told& told : invocation.tasks) {
      if (told.number == 0) {
        receipt.tasks.push_back(std::move(told.task));
      }
    }
    if (!receipt.tasks.empty()) {
      steps.emplace_back(WriteReceipt{std::move(receipt)});
    }
  }
  open_.clear();
  return steps;
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
    write_receipt(*invocation, now, steps);
    for (int close = 0; close < invocation->closes && !shutdown_; ++close) {
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
