#include "extension/schedule.h"

#include "extension/retry.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace postlude::extension {
Steps Schedule::accepted(const RecordName& name,
                         const TaskRecord& record,
                         EpochTime now,
                         Start start) {
  if (seen(name.number)) {
    return {};
  }
  unseen_ = name.number + 1;
  Held& task = hold(name, record);
  Open* host = find(record.key);
  if (host == nullptr && start == Start::at_once && !was_released(record.key)) {
    host = &open(record.key, record.work_deadline);
    host->answered = false;
  } else if (host != nullptr && !host->answered) {
    host->work_deadline = record.work_deadline;  // known only now, where a drop came first
  }
  if (host != nullptr && (host->answered || start == Start::at_once)) {
    task.state = TaskState::queued;
    task.host = record.key;
  }
  return advance(now, {});
}

/// Without a host: it is carried.
Schedule::Held& Schedule::hold(const RecordName& name, const TaskRecord& record) {
  ++ended_.accepted;
  Held& task = held_[name.number];
  task.noted = name;
  task.name = name;
  task.id = record.id;
  task.task_name = record.task.name;
  task.accepted_in = record.key;
  task.timeout = record.task.timeout;
  task.attempts = record.task.attempts;
  task.backoff = record.task.backoff;
  // A hold limit puts the work deadline earlier, which leaves no more time for what follows.
  task.margin = std::min(margin_, remaining(record.deadline, record.work_deadline));
  task.is_handler = std::holds_alternative<HandlerAction>(record.task.action);
  task.is_call = !task.is_handler && !std::holds_alternative<CommandAction>(record.task.action);
  task.has_dead_letter = record.task.dead_letter.has_value();
  task.state = TaskState::carried;
  return task;
}

Steps Schedule::dropped(Dropped task, EpochTime now, const std::optional<RecordName>& record) {
  ++ended_.accepted;
  count_end(TaskState::dropped);
  ReceiptTask entry{
      std::move(task.id), std::move(task.name), TaskState::dropped, 0, {}, std::move(task.why)};
  if (was_released(task.key)) {
    Receipt receipt;
    receipt.request_id = task.key.request_id;
    receipt.tasks.push_back(std::move(entry));
    Steps steps = {WriteReceipt{std::move(receipt)}};
    if (record) {
      steps.emplace_back(RemoveRecord{*record});
    }
    return advance(now, std::move(steps));
  }
  Open* invocation = find(task.key);
  if (invocation == nullptr) {
    invocation = &open(task.key, now);
    invocation->answered = false;
  }
  invocation->tasks.push_back({record ? record->number : 0, std::move(entry), record});
  return advance(now, {});
}

Steps Schedule::answered(const Answered& answered, EpochTime now) {
  if (overlap_) {
    std::erase(released_, answered.key.sequence);
  }
  static_cast<void>(host_from(answered.key, answered.work_deadline, now));
  return advance(now, {});
}

/// From its answer on an invocation is host of tasks, the carried ones too. Nothing if it was
/// released before.
Schedule::Open* Schedule::host_from(const InvocationKey& key,
                                    EpochTime work_deadline,
                                    EpochTime now) {
  Open* invocation = find(key);
  if (invocation == nullptr && !was_released(key)) {
    invocation = &open(key, work_deadline);
    invocation->answered = false;
  }
  if (invocation != nullptr && !std::exchange(invocation->answered, true)) {
    invocation->work_deadline = work_deadline;
    adopt_carried(*invocation, now);
  }
  return invocation;
}

Steps Schedule::closed(const Closed& closed, EpochTime now) {
  Open* const invocation = host_from(closed.key, closed.work_deadline, now);
  if (invocation == nullptr) {
    return advance(now, {});
  }
  if (!invocation->answer || !closed.answer.repeated) {
    invocation->answer = closed.answer;
  }
  invocation->closes = overlap_ ? invocation->closes + 1 : 1;
  invocation->idle = false;
  Steps steps;
  for (auto& [number, task] : held_) {
    const bool hosted = task.host == closed.key && task.is_handler && !task.spilling;
    if (hosted && task.state == TaskState::running) {
      task.ran_until(now);
      steps.emplace_back(StopAttempt{number, Millis::zero()});
      attempt_failed(
          task, {AttemptResult::Kind::failed, "the runtime ended in the middle of it"}, now, 0);
    }
    if (hosted && !has_ended(task.state) && task.host && !task.spilling) {
      postpone(task, "there is no runtime to run it", now);
    }
  }
  return advance(now, std::move(steps));
}

Steps Schedule::idle(const InvocationKey& key, EpochTime now) {
  if (Open* invocation = find(key)) {
    invocation->idle = true;
    return advance(now, {});
  }
  return advance(now, {HandlersDone{key}});
}

void Schedule::handler_request(std::uint64_t number, std::string request_id) {
  const auto task = held_.find(number);
  if (task == held_.end() || !task->second.host) {
    return;
  }
  if (Open* host = find(*task->second.host)) {
    host->idle = false;
    host->handler_request_ids.push_back(std::move(request_id));
  }
}

Steps Schedule::attempt_ended(std::uint64_t number,
                              const AttemptResult& result,
                              EpochTime now,
                              double random) {
  const auto found = held_.find(number);
  if (found == held_.end() || found->second.state != TaskState::running || found->second.spilling) {
    return {};
  }
  Held& task = found->second;
  task.ran_until(now);
  switch (result.kind) {
    case AttemptResult::Kind::success:
      end(task, TaskState::done, "");
      break;
    case AttemptResult::Kind::failed:
      // A connection that did not outlast the freeze is no fault of the other side. Nor is the end
      // that a call comes to by itself at the work deadline, where we look at it too late to stop
      // it.
      if (task.cut_by_freeze || (task.is_call && task.cut_by_deadline && now >= task.due)) {
        interrupted(task, now);
        break;
      }
      [[fallthrough]];
    case AttemptResult::Kind::refused:
      attempt_failed(task, result, now, random);
      break;
    case AttemptResult::Kind::stopped:
      if (task.cut_by_deadline || task.cut_by_freeze) {
        interrupted(task, now);
      } else {
        attempt_failed(task,
                       {AttemptResult::Kind::failed,
                        "timed out after " + std::to_string(task.timeout.count()) + " ms"},
                       now,
                       random);
      }
      break;
  }
  return advance(now, {});
}

Steps Schedule::spill_ended(std::uint64_t number, const std::string& trouble, EpochTime now) {
  const auto found = held_.find(number);
  if (found == held_.end() || !found->second.spilling) {
    return {};
  }
  if (trouble.empty()) {
    end(found->second, TaskState::spilled, found->second.ending->why);
  } else {
    spill_failed(found->second, trouble);
  }
  return advance(now, {});
}

Steps Schedule::time_passed(EpochTime now) {
  return advance(now, {});
}

Steps Schedule::thawed(EpochTime now) {
  for (auto& [number, task] : held_) {
    if (task.state != TaskState::running || task.spilling || task.stopping) {
      continue;
    }
    if (task.due <= now) {
      task.cut_by_freeze = !task.cut_by_deadline;
    } else if (task.is_call && now + kTrustAfterThaw < task.due) {
      task.due = now + kTrustAfterThaw;
      task.cut_by_freeze = true;
      task.cut_by_deadline = false;
    }
  }
  return advance(now, {});
}

Steps Schedule::shut_down(EpochTime now, EpochTime until, Aftermath aftermath) {
  shutdown_ = until;
  aftermath_ = aftermath;
  for (auto& [number, task] : held_) {
    if (task.spilling) {
      task.due = std::min(task.due, until);
    }
  }
  return advance(now, {});
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
  Open& invocation = open_.emplace_back();
  invocation.key = key;
  invocation.work_deadline = work_deadline;
  return invocation;
}

/// What may not be tried again for long stays where it is.
void Schedule::adopt_carried(const Open& invocation, EpochTime now) {
  for (auto& [number, task] : held_) {
    if (task.host) {
      continue;
    }
    const Millis wait = remaining(task.not_before, now);
    if (wait > Millis::zero() && !worth_holding(wait, remaining(invocation.work_deadline, now))) {
      continue;
    }
    task.host = invocation.key;
    task.due = task.not_before;
    task.state = wait > Millis::zero() ? TaskState::waiting : TaskState::queued;
    if (task.ending) {
      spill(task, *task.ending, now);
    }
  }
}

EpochTime Schedule::work_deadline(const Held& task) const {
  const Open* host = task.host ? find(*task.host) : nullptr;
  assert(host != nullptr);
  return host == nullptr ? EpochTime() : host->work_deadline;
}

Steps Schedule::advance(EpochTime now, Steps steps) {
  if (shutdown_) {
    end_all(now, steps);
  }
  enforce_time(now, steps);
  remove_ended(steps);
  start_due(now, steps);
  note_states(steps);
  std::move(pending_.begin(), pending_.end(), std::back_inserter(steps));
  pending_.clear();
  // What could not start after all has a new place, or none.
  remove_ended(steps);
  tell_handlers_done(steps);
  release_settled(now, steps);
  return steps;
}

void Schedule::enforce_time(EpochTime now, Steps& steps) {
  for (auto& [number, task] : held_) {
    if (const Open* host = task.host ? find(*task.host) : nullptr) {
      enforce_time(task, *host, now, steps);
    }
  }
}

void Schedule::enforce_time(Held& task, const Open& host, EpochTime now, Steps& steps) {
  if (task.spilling) {
    if (task.due <= now) {
      steps.emplace_back(StopAttempt{task.name.number, Millis::zero()});
      spill_failed(task, "it did not answer in time");
    }
  } else if (task.state == TaskState::running) {
    if (!task.stopping && task.due <= now) {
      task.stopping = true;
      // Half of what is left of the margin is ours at most; a dead letter needs most of it.
      const Millis half = remaining(EpochTime(task.margin), EpochTime(kEndingTime)) / 2;
      const Millis share = task.has_dead_letter ? std::min(half, task.margin / 5) : half;
      const Millis most = remaining(host.work_deadline + share, now);
      steps.emplace_back(StopAttempt{task.name.number, std::clamp(most, Millis(1), kStopGrace)});
    }
  } else if (!has_ended(task.state) && host.work_deadline <= now) {
    postpone(task, "no time left", now);
  } else if (task.state == TaskState::waiting && task.due <= now) {
    task.state = TaskState::queued;
  }
}

void Schedule::start_due(EpochTime now, Steps& steps) {
  const bool strict = concurrency_ == 1;
  auto running = std::count_if(held_.begin(), held_.end(), [strict](const auto& entry) {
    const Held& task = entry.second;
    return task.state == TaskState::running && !task.spilling && (strict || !task.is_handler);
  });
  bool earlier_carried = false;
  for (auto& [number, task] : held_) {
    if (task.spilling || has_ended(task.state)) {
      continue;
    }
    const bool own_lane = task.is_handler && !strict;
    if (strict && earlier_carried && task.host && task.state != TaskState::running) {
      postpone(task, "an earlier task comes first", now);
    } else if (task.state == TaskState::queued && (own_lane || running < concurrency_) &&
               start_if_possible(task, now, steps)) {
      running += own_lane ? 0 : 1;
    }
    earlier_carried = earlier_carried || task.state == TaskState::carried;
    if (strict && task.host && !task.spilling) {
      return;  // it comes before all later ones
    }
  }
}

/// True: it was started.
bool Schedule::start_if_possible(Held& task, EpochTime now, Steps& steps) {
  const Open* host = find(*task.host);
  if (host == nullptr) {
    return false;
  }
  if (task.is_handler) {
    if (!host->idle || handler_runs()) {
      return false;
    }
    if (remaining(host->work_deadline, now) < std::min(task.timeout, kLeastHandlerTime)) {
      postpone(task, "no time left", now);
      return false;
    }
  }
  start(task, now, steps);
  return true;
}

bool Schedule::handler_runs() const {
  return std::any_of(held_.begin(), held_.end(), [](const auto& entry) {
    const Held& task = entry.second;
    return task.is_handler && task.state == TaskState::running && !task.spilling;
  });
}

}  // namespace postlude::extension
