// What becomes of one task: attempts, and its ends.
#include "extension/retry.h"
#include "extension/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <utility>

namespace postlude::extension {
namespace {

std::optional<std::string> optional_text(std::string text) {
  return text.empty() ? std::nullopt : std::optional(std::move(text));
}

}  // namespace

void Schedule::start(Held& task, EpochTime now, Steps& steps) {
  const EpochTime limit = work_deadline(task);
  const Millis left = remaining(limit, now);
  if (task.name.interruptions != task.noted.interruptions) {
    note_state(task, steps);  // the attempt that was taken back, before the next one
  }
  const RecordName before = task.noted;
  ++task.name.attempts;
  task.state = TaskState::running;
  task.started = now;
  task.stopping = false;
  task.cut_by_deadline = left < task.timeout;
  task.cut_by_freeze = false;
  task.due = now + std::min(task.timeout, left);
  task.name.mark = mark_of(task);
  task.noted = task.name;
  steps.emplace_back(StartAttempt{before, task.name, *task.host, limit, task.due});
}

void Schedule::attempt_failed(Held& task,
                              const AttemptResult& result,
                              EpochTime now,
                              double random) {
  task.stopping = false;
  if (result.kind == AttemptResult::Kind::refused || task.name.attempts >= task.attempts) {
    give_up(task, {TaskState::failed, result.why}, now);
    return;
  }
  const Millis asked = result.retry_after.value_or(Millis::zero());
  const Millis wait = std::max(retry_wait(task.backoff, task.name.attempts, random), asked);
  task.state = TaskState::waiting;
  task.due = now + wait;
  task.not_before = now + asked;
  if (!worth_holding(wait, remaining(work_deadline(task), now))) {
    postpone(task, result.why, now);
  }
}

void Schedule::interrupted(Held& task, EpochTime now) {
  task.stopping = false;
  const std::string_view cut = task.cut_by_freeze ? "cut by a freeze" : "cut by the deadline";
  if (!take_back_attempt(task)) {
    give_up(
        task, {TaskState::expired, fmt::format("{} {} times", cut, kMostInterruptions + 1)}, now);
  } else if (task.cut_by_freeze) {
    task.state = TaskState::queued;
  } else {
    postpone(task, std::string(cut), now);
  }
}

/// The attempt in `name` uses up none. False: the task was interrupted too often.
bool Schedule::take_back_attempt(Held& task) {
  --task.name.attempts;
  if (task.name.interruptions == kMostInterruptions) {
    return false;
  }
  ++task.name.interruptions;
  return true;
}

/// No attempt will follow.
void Schedule::give_up(Held& task, Ending ending, EpochTime now) {
  if (task.has_dead_letter) {
    spill(task, std::move(ending), now);
  } else {
    end(task, ending.state, std::move(ending.why));
  }
}

/// It does not go on in this invocation.
void Schedule::postpone(Held& task, std::string why, EpochTime now) {
  if (task.has_dead_letter) {
    spill(task, {TaskState::expired, std::move(why), false}, now);
  } else {
    carry(task, std::move(why));
  }
}

void Schedule::spill(Held& task, Ending ending, EpochTime now) {
  const EpochTime limit = shutdown_.value_or(end_of_spills(task, work_deadline(task)));
  task.state = TaskState::running;
  task.spilling = true;
  task.stopping = false;
  task.due = std::min(now + kMostSpillTime, limit);
  task.ending = std::move(ending);
  if (task.due <= now) {
    spill_failed(task, "no time left");
    return;
  }
  task.name.mark = mark_of(task);
  pending_.emplace_back(SpillTask{task.name, task.ending->state, task.ending->why, task.due});
}

void Schedule::spill_failed(Held& task, const std::string& trouble) {
  const std::string why = fmt::format("dead letter: {}", trouble);
  task.spilling = false;
  if (shutdown_ && aftermath_ == Aftermath::nothing) {
    end(task, task.ending->state, why);
    return;
  }
  if (!task.ending->final) {
    task.ending.reset();
  }
  carry(task, why);
}

/// The environment ends, and with it what is held or comes late.
void Schedule::end_all(EpochTime now, Steps& steps) {
  for (auto& [number, task] : held_) {
    if (task.spilling || has_ended(task.state)) {
      continue;
    }
    if (aftermath_ == Aftermath::next_generation && (!task.has_dead_letter || !task.host)) {
      leave(task, now, steps);
      continue;
    }
    if (!task.host) {
      if (find(task.accepted_in) == nullptr) {
        open(task.accepted_in, now);
      }
      task.host = task.accepted_in;
    }
    const bool running = task.state == TaskState::running;
    // A process that finds it all the same may run it again, where that is not the last resort.
    Ending ending{TaskState::expired, "the environment ended", false};
    if (running) {
      ending.final = !take_back_attempt(task);
      task.ran_until(now);
      if (task.has_dead_letter) {
        steps.emplace_back(StopAttempt{number, Millis::zero()});
      }
    }
    give_up(task, task.ending.value_or(std::move(ending)), now);
    task.stopping = running && has_ended(task.state);
  }
}

/// The next generation goes on with it. What is carried stays as it is, also with a dead letter:
/// its time comes there.
void Schedule::leave(Held& task, EpochTime now, Steps& steps) {
  if (!task.host) {
    return;
  }
  if (task.state == TaskState::running) {
    task.ran_until(now);
    task.stopping = false;
    steps.emplace_back(StopAttempt{task.name.number, Millis::zero()});
    if (!take_back_attempt(task)) {
      end(task, TaskState::expired, fmt::format("cut short {} times", kMostInterruptions + 1));
      return;
    }
  }
  carry(task, "the environment starts over");
}

/// In the receipt of that invocation.
void Schedule::tell(Open& teller, Held& task, std::string why) {
  teller.tasks.push_back({task.name.number,
                          {task.id,
                           task.task_name,
                           task.state,
                           task.name.attempts,
                           task.spent,
                           optional_text(std::move(why)),
                           !std::exchange(task.told, true)},
                          has_ended(task.state) ? std::optional(task.name) : std::nullopt});
}

void Schedule::carry(Held& task, std::string why) {
  task.state = TaskState::carried;
  if (Open* host = find(*task.host)) {
    tell(*host, task, std::move(why));
  }
  task.host.reset();
  task.spent.reset();
}

void Schedule::end(Held& task, TaskState state, std::string why) {
  Open* host = find(*task.host);
  assert(host != nullptr);
  end_in(*host, task, state, std::move(why));
}

void Schedule::end_in(Open& teller, Held& task, TaskState state, std::string why) {
  task.state = state;
  task.stopping = false;
  task.spilling = false;
  task.name.mark = mark_of(task);
  tell(teller, task, std::move(why));
  count_end(state);
}

void Schedule::count_end(TaskState state) {
  ended_.done += state == TaskState::done ? 1 : 0;
  ended_.failed += state == TaskState::failed ? 1 : 0;
  ended_.spilled += state == TaskState::spilled ? 1 : 0;
  ended_.expired += state == TaskState::expired ? 1 : 0;
  ended_.dropped += state == TaskState::dropped ? 1 : 0;
}

RecordMark Schedule::mark_of(const Held& task) {
  switch (task.state) {
    case TaskState::done:
      return RecordMark::done;
    case TaskState::failed:
      return RecordMark::failed;
    case TaskState::spilled:
      return RecordMark::spilled;
    case TaskState::expired:
      return RecordMark::expired;
    case TaskState::dropped:
      return RecordMark::dropped;
    default:
      break;
  }
  if (task.ending && task.ending->final) {
    return RecordMark::spilling;
  }
  return task.state == TaskState::running && !task.spilling ? RecordMark::running
                                                            : RecordMark::waiting;
}

/// Of several changes in one call only the last is noted.
void Schedule::note_states(Steps& steps) {
  for (auto& [number, task] : held_) {
    note_state(task, steps);
  }
}

void Schedule::note_state(Held& task, Steps& steps) {
  task.name.mark = mark_of(task);
  if (task.name != task.noted) {
    steps.emplace_back(NoteState{task.noted, task.name});
    task.noted = task.name;
  }
}

void Schedule::remove_ended(Steps& steps) {
  for (auto entry = held_.begin(); entry != held_.end();) {
    const Held& task = entry->second;
    if (has_ended(task.state)) {
      steps.emplace_back(EndTask{task.noted, task.name, task.accepted_in, task.stopping});
      entry = held_.erase(entry);
    } else {
      ++entry;
    }
  }
}

}  // namespace postlude::extension
