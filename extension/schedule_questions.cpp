// What is asked of the schedule without changing it.
#include "extension/schedule.h"

#include <algorithm>

namespace postlude::extension {

std::optional<EpochTime> Schedule::next_due() const {
  std::optional<EpochTime> first;
  for (const auto& [number, task] : held_) {
    const bool timed = task.state == TaskState::waiting || task.state == TaskState::running;
    const Open* host = task.host ? find(*task.host) : nullptr;
    if (task.stopping || host == nullptr) {
      continue;
    }
    const EpochTime due = timed ? task.due : host->work_deadline;
    first = std::min(first.value_or(due), due);
  }
  return first;
}

bool Schedule::over() const {
  return shutdown_ && std::none_of(held_.begin(), held_.end(), [](const auto& entry) {
           return entry.second.host.has_value();
         });
}

/// A quarter of the margin is left to bring the invocation to its end.
EpochTime Schedule::end_of_spills(const Held& task, EpochTime work_deadline) {
  return work_deadline + task.margin * 3 / 4;
}

std::vector<Schedule::SpillCandidate> Schedule::spill_candidates() const {
  std::vector<SpillCandidate> candidates;
  for (const auto& [number, task] : held_) {
    const Open* host = task.host ? find(*task.host) : nullptr;
    if (host != nullptr && task.has_dead_letter && !task.spilling) {
      candidates.push_back(
          {number, host->work_deadline, end_of_spills(task, host->work_deadline), task.margin});
    }
  }
  return candidates;
}

Accounting Schedule::accounting() const {
  Accounting result = ended_;
  result.held = static_cast<int>(held_.size());
  return result;
}

std::vector<TaskStatus> Schedule::tasks_of(const InvocationKey& key) const {
  std::map<std::uint64_t, TaskStatus> tasks;
  std::vector<TaskStatus> result;
  const std::string prefix = key.request_id + "/";
  const auto invocation = std::find_if(open_.begin(), open_.end(), [&key](const Open& open) {
    return open.key.sequence == key.sequence;
  });
  if (invocation != open_.end()) {
    for (const auto& [number, task, record] : invocation->tasks) {
      TaskStatus status{task.id, task.name, std::string(state_name(task.state)), task.attempts};
      if (number == 0) {
        result.push_back(std::move(status));  // it has no record, and so no number
      } else if (task.id.starts_with(prefix)) {
        tasks[number] = std::move(status);
      }
    }
  }
  for (const auto& [number, task] : held_) {
    if (task.accepted_in.sequence == key.sequence && task.id.starts_with(prefix)) {
      const bool waits_for_answer = invocation == open_.end() || !invocation->answered;
      const TaskState state =
          task.state == TaskState::carried && waits_for_answer ? TaskState::queued : task.state;
      tasks[number] = {task.id, task.task_name, std::string(state_name(state)), task.name.attempts};
    }
  }
  for (auto& [number, status] : tasks) {
    result.push_back(std::move(status));
  }
  return result;
}

}  // namespace postlude::extension
