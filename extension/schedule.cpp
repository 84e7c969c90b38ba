#include "extension/schedule.h"

#include "extension/retry.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

namespace postlude::extension {
namespace {

/// Releases that are remembered, to recognise what comes too late. More invocations are never in
/// flight at once than a Managed Instance allows.
constexpr std::size_t kReleasesRemembered = 64;

bool has_ended(TaskState state) {
  return state == TaskState::done || state == TaskState::failed || state == TaskState::spilled ||
         state == TaskState::expired || state == TaskState::dropped;
}

std::optional<std::string> optional_text(std::string text) {
  return text.empty() ? std::nullopt : std::optional(std::move(text));
}

}  // namespace

Steps Schedule::accepted(const RecordName& name, const TaskRecord& record, EpochTime now) {
  if (seen(name.number)) {
    return {};
  }
  unseen_ = name.number + 1;
  ++ended_.accepted;
  Held& task = held_[name.number];
  task.name = name;
  task.id = record.id;
  task.task_name = record.task.name;
  task.accepted_in = record.key;
  task.timeout = record.task.timeout;
  task.attempts = record.task.attempts;
  task.backoff = record.task.backoff;
  task.margin = remaining(record.deadline, record.work_deadline);
  task.state = TaskState::carried;
  if (find(record.key) != nullptr) {
    task.state = TaskState::queued;
    task.host = record.key;
  }
  return advance(now, {});
}

Steps Schedule::dropped(Dropped task, EpochTime now) {
  ++ended_.accepted;
  ++ended_.dropped;
  ReceiptTask entry{
      std::move(task.id), std::move(task.name), TaskState::dropped, 0, {}, std::move(task.why)};
  if (was_released(task.key)) {
    Receipt receipt;
    receipt.request_id = task.key.request_id;
    receipt.tasks.push_back(std::move(entry));
    return advance(now, {WriteReceipt{std::move(receipt)}});
  }
  Open* known = find(task.key);
  Open& invocation = known == nullptr ? open(task.key, now) : *known;
  invocation.tasks.emplace_back(0, std::move(entry));
  return advance(now, {});
}

Steps Schedule::answered(const Answered& answered, EpochTime now) {
  if (find(answered.key) == nullptr && !was_released(answered.key)) {
    open(answered.key, answered.work_deadline);
  }
  return advance(now, {});
}

Steps Schedule::closed(const Closed& closed, EpochTime now) {
  Open* invocation = find(closed.key);
  if (invocation == nullptr && !was_released(closed.key)) {
    invocation = &open(closed.key, closed.work_deadline);
  }
  if (invocation != nullptr) {
    invocation->answer = closed.answer;
  }
  return advance(now, {});
}

Steps Schedule::attempt_ended(std::uint64_t number,
                              const AttemptResult& result,
                              EpochTime now,
                              double random) {
  const auto found = held_.find(number);
  if (found == held_.end() || found->second.state != TaskState::running) {
    return {};
  }
  Held& task = found->second;
  task.spent += remaining(now, task.started);
  Steps steps;
  switch (result.kind) {
    case AttemptResult::Kind::success:
      end(task, TaskState::done, "");
      break;
    case AttemptResult::Kind::failed:
      attempt_failed(task, result.why, now, random);
      break;
    case AttemptResult::Kind::refused:
      end(task, TaskState::failed, result.why);
      break;
    case AttemptResult::Kind::stopped:
      if (task.cut_by_deadline) {
        interrupted(task, steps);
      } else {
        attempt_failed(
            task, fmt::format("timed out after {} ms", task.timeout.count()), now, random);
      }
      break;
  }
  return advance(now, std::move(steps));
}

Steps Schedule::time_passed(EpochTime now) {
  return advance(now, {});
}

Steps Schedule::shut_down(EpochTime now) {
  Steps steps;
  for (auto& [number, task] : held_) {
    if (!task.host) {
      if (find(task.accepted_in) == nullptr) {
        open_.push_back({task.accepted_in, now, std::nullopt, {}});
      }
      task.host = task.accepted_in;
    }
    const bool running = task.state == TaskState::running;
    if (running) {
      task.uncounted = true;
      task.spent += remaining(now, task.started);
    }
    end(task, TaskState::expired, "the environment ended");
    task.stopping = running;
  }
  remove_ended(steps);
  for (Open& invocation : open_) {
    if (!invocation.tasks.empty()) {
      steps.emplace_back(WriteReceipt{receipt_of(invocation, now)});
    }
  }
  open_.clear();
  return steps;
}

Schedule::Open* Schedule::find(const InvocationKey& key) {
  const auto found = std::find_if(
      open_.begin(), open_.end(), [&key](const Open& invocation) { return invocation.key == key; });
  return found == open_.end() ? nullptr : &*found;
}

const Schedule::Open* Schedule::find(const InvocationKey& key) const {
  const auto found = std::find_if(
      open_.begin(), open_.end(), [&key](const Open& invocation) { return invocation.key == key; });
  return found == open_.end() ? nullptr : &*found;
}

Schedule::Open& Schedule::open(const InvocationKey& key, EpochTime work_deadline) {
  for (auto& [number, task] : held_) {
    if (!task.host) {
      task.host = key;
      task.state = TaskState::queued;
    }
  }
  return open_.emplace_back(Open{key, work_deadline, std::nullopt, {}});
}

EpochTime Schedule::work_deadline(const Held& task) const {
  const Open* host = task.host ? find(*task.host) : nullptr;
  assert(host != nullptr);
  return host == nullptr ? EpochTime() : host->work_deadline;
}

bool Schedule::was_released(const InvocationKey& key) const {
  return std::find(released_.begin(), released_.end(), key.sequence) != released_.end();
}

Steps Schedule::advance(EpochTime now, Steps steps) {
  enforce_time(now, steps);
  remove_ended(steps);
  start_due(now, steps);
  release_settled(now, steps);
  return steps;
}

void Schedule::enforce_time(EpochTime now, Steps& steps) {
  for (auto& [number, task] : held_) {
    const Open* host = task.host ? find(*task.host) : nullptr;
    if (host == nullptr) {
      continue;
    }
    if (task.state == TaskState::running) {
      if (!task.stopping && task.due <= now) {
        task.stopping = true;
        // Half of the margin is ours at most; the other half brings the invocation to its end.
        const Millis most = remaining(host->work_deadline, now) + task.margin / 2;
        steps.emplace_back(StopAttempt{number, std::min(kStopGrace, most)});
      }
    } else if (!has_ended(task.state) && host->work_deadline <= now) {
      carry(task, "no time left");
    } else if (task.state == TaskState::waiting && task.due <= now) {
      task.state = TaskState::queued;
    }
  }
}

void Schedule::start_due(EpochTime now, Steps& steps) {
  const bool strict = concurrency_ == 1;
  auto running = std::count_if(held_.begin(), held_.end(), [](const auto& entry) {
    return entry.second.state == TaskState::running;
  });
  bool earlier_carried = false;
  for (auto& [number, task] : held_) {
    if (running >= concurrency_) {
      return;
    }
    if (task.state == TaskState::carried) {
      earlier_carried = true;
    } else if (strict && earlier_carried) {
      carry(task, "an earlier task comes first");
    } else if (task.state == TaskState::queued) {
      start(task, now, steps);
      ++running;
    } else if (strict) {
      return;
    }
  }
}

void Schedule::start(Held& task, EpochTime now, Steps& steps) {
  const EpochTime limit = work_deadline(task);
  const Millis left = remaining(limit, now);
  const RecordName before = task.name;
  ++task.name.attempts;
  task.state = TaskState::running;
  task.started = now;
  task.stopping = false;
  task.cut_by_deadline = left < task.timeout;
  task.due = now + std::min(left, task.timeout);
  steps.emplace_back(StartAttempt{before, task.name, limit});
}

void Schedule::attempt_failed(Held& task, const std::string& why, EpochTime now, double random) {
  task.stopping = false;
  if (task.name.attempts >= task.attempts) {
    end(task, TaskState::failed, why);
    return;
  }
  const Millis wait = retry_wait(task.backoff, task.name.attempts, random);
  if (!worth_holding(wait, remaining(work_deadline(task), now))) {
    carry(task, why);
    return;
  }
  task.state = TaskState::waiting;
  task.due = now + wait;
}

void Schedule::interrupted(Held& task, Steps& steps) {
  task.stopping = false;
  if (task.name.interruptions == kMostInterruptions) {
    task.uncounted = true;
    end(task,
        TaskState::expired,
        fmt::format("cut by the deadline {} times", kMostInterruptions + 1));
    return;
  }
  const RecordName before = task.name;
  --task.name.attempts;
  ++task.name.interruptions;
  steps.emplace_back(NoteInterruption{before, task.name});
  carry(task, "cut by the deadline");
}

void Schedule::note(const Held& task, std::string why) {
  if (Open* host = find(*task.host)) {
    host->tasks.emplace_back(task.name.number,
                             ReceiptTask{task.id,
                                         task.task_name,
                                         task.state,
                                         task.name.attempts - (task.uncounted ? 1 : 0),
                                         task.spent,
                                         optional_text(std::move(why))});
  }
}

void Schedule::carry(Held& task, std::string why) {
  task.state = TaskState::carried;
  note(task, std::move(why));
  task.host.reset();
  task.spent = Millis::zero();
}

void Schedule::end(Held& task, TaskState state, std::string why) {
  task.state = state;
  task.stopping = false;
  note(task, std::move(why));
  ended_.done += state == TaskState::done ? 1 : 0;
  ended_.failed += state == TaskState::failed ? 1 : 0;
  ended_.expired += state == TaskState::expired ? 1 : 0;
}

void Schedule::remove_ended(Steps& steps) {
  for (auto entry = held_.begin(); entry != held_.end();) {
    const Held& task = entry->second;
    if (has_ended(task.state)) {
      steps.emplace_back(EndTask{task.name, task.accepted_in, task.stopping});
      entry = held_.erase(entry);
    } else {
      ++entry;
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
    if (busy || !invocation->answer) {
      ++invocation;
      continue;
    }
    Receipt receipt = receipt_of(*invocation, now);
    if (!receipt.tasks.empty() || receipt.late_error_type) {
      steps.emplace_back(WriteReceipt{std::move(receipt)});
    }
    steps.emplace_back(ReleaseInvocation{invocation->key, carried()});
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

}  // namespace postlude::extension
