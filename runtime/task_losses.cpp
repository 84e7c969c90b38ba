// What the journal knows of the tasks of an extension that died.
#include "runtime/task_journal.h"

#include <algorithm>
#include <utility>

namespace postlude::runtime {
namespace {

/// How a task ended whose receipt was not written yet; nothing where it has not ended.
std::optional<TaskState> ended_as(RecordMark mark) {
  switch (mark) {
    case RecordMark::done:
      return TaskState::done;
    case RecordMark::failed:
      return TaskState::failed;
    case RecordMark::spilled:
      return TaskState::spilled;
    case RecordMark::expired:
      return TaskState::expired;
    case RecordMark::waiting:
    case RecordMark::running:
    case RecordMark::spilling:
      break;
  }
  return std::nullopt;
}

}  // namespace

std::vector<Dropped> TaskJournal::unkept(std::uint64_t sequence) const {
  const auto found = unkept_.find(sequence);
  return found == unkept_.end() ? std::vector<Dropped>() : found->second;
}

TaskJournal::Held TaskJournal::held() const {
  Held held;
  if (!spool_) {
    return held;
  }
  const auto records = spool_->records();
  if (!records) {  // cleaned away: whatever was handed over may be at work
    held.tasks = handed_over_.size();
    for (const HandedOver& task : handed_over_) {
      held.task_ids.push_back(task.lost.task.id);
    }
    return held;
  }
  for (const RecordName& name : *records) {
    if (ended_as(name.mark)) {
      continue;
    }
    ++held.tasks;
    const auto handed_over =
        std::find_if(handed_over_.begin(), handed_over_.end(), [&name](const HandedOver& task) {
          return task.number == name.number;
        });
    if (handed_over != handed_over_.end()) {
      held.task_ids.push_back(handed_over->lost.task.id);
    } else if (name.mark == RecordMark::running) {  // accepted by an older generation
      if (auto record = spool_->read_record(name)) {
        held.task_ids.push_back(std::move(record->id));
      }
    }
  }
  return held;
}

std::vector<TaskJournal::Lost> TaskJournal::drop_handed_over() {
  std::vector<Lost> lost;
  for (const auto& [sequence, tasks] : std::exchange(unkept_, {})) {
    for (const Dropped& task : tasks) {
      lost.push_back(
          {task.key,
           {.id = task.id, .name = task.name, .state = TaskState::dropped, .why = task.why}});
    }
  }
  if (handed_over_.empty()) {
    return lost;
  }
  const auto records = spool_->records();
  for (HandedOver& task : std::exchange(handed_over_, {})) {
    // Also of a task that ended long ago: another one of its invocation kept them alive.
    for (const std::string* body :
         {&task.bodies.event, &task.bodies.response, &task.bodies.error}) {
      if (!body->empty()) {
        dropped_bodies_.push_back(*body);
      }
    }
    const auto left = [&task](const RecordName& name) { return name.number == task.number; };
    if (records) {
      const auto record = std::find_if(records->begin(), records->end(), left);
      if (record == records->end()) {
        continue;
      }
      dropped_records_.push_back(*record);
      task.lost.task.attempts = record->attempts;
      if (const auto state = ended_as(record->mark)) {
        task.lost.task.state = *state;
        task.lost.task.why.reset();
      }
    }
    lost.push_back(task.lost);
  }
  return lost;
}

void TaskJournal::remove_dropped() {
  for (const RecordName& name : std::exchange(dropped_records_, {})) {
    spool_->remove_record(name);
  }
  for (const std::string& body : std::exchange(dropped_bodies_, {})) {
    spool_->remove_capture(body);
  }
}

}  // namespace postlude::runtime
