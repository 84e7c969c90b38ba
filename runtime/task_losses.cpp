// What the journal knows of the tasks of an extension that died.
#include "runtime/task_journal.h"

#include <algorithm>
#include <utility>

namespace postlude::runtime {
namespace {

/// `task` is `dropped` so far. An attempt that is cut uses up none. The name of its record then.
[[nodiscard]] RecordName note_end(ReceiptTask& task,
                                  const RecordName& record,
                                  Loss loss,
                                  int most_attempts) {
  RecordName ended = record;
  if (const auto state = end_of(record.mark)) {
    task.state = *state;
    task.why.reset();
  } else if (loss == Loss::environment_ends) {
    const bool used_up = record.mark == RecordMark::spilling && record.attempts >= most_attempts;
    task.state = used_up ? TaskState::failed : TaskState::expired;
    task.why = "the environment ended";
    ended.mark = used_up ? RecordMark::failed : RecordMark::expired;
  } else {
    ended.mark = RecordMark::dropped;
  }
  if (record.mark == RecordMark::running && record.attempts > 0) {
    --ended.attempts;
  }
  task.attempts = ended.attempts;
  return ended;
}

/// Also of a task that ended long ago: another one of its invocation kept them alive.
void add_bodies(const CapturedBodies& bodies, std::vector<std::string>& names) {
  for (const std::string* body : {&bodies.event, &bodies.response, &bodies.error}) {
    if (!body->empty()) {
      names.push_back(*body);
    }
  }
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
    if (end_of(name.mark)) {
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

void TaskJournal::nothing_left() {
  for (HandedOver& task : handed_over_) {
    task.has_ended = true;
  }
}

std::vector<TaskJournal::Lost> TaskJournal::lose(Loss loss) {
  std::vector<Lost> lost;
  for (const auto& [sequence, tasks] : std::exchange(unkept_, {})) {
    for (const Dropped& task : tasks) {
      lost.push_back(
          {task.key,
           {.id = task.id, .name = task.name, .state = TaskState::dropped, .why = task.why}});
    }
  }
  if (!spool_) {
    return lost;
  }
  const auto records = spool_->records();
  for (HandedOver& task : std::exchange(handed_over_, {})) {
    LostFiles& files = lost_files_[task.lost.key.sequence];
    add_bodies(task.bodies, files.bodies);
    if (!records && task.has_ended) {
      continue;
    }
    if (!records) {
      static_cast<void>(note_end(task.lost.task, {.number = task.number}, loss, task.attempts));
    } else {
      const auto record =
          std::find_if(records->begin(), records->end(), [&task](const RecordName& one) {
            return one.number == task.number;
          });
      if (record == records->end()) {
        continue;
      }
      files.records.push_back({*record, note_end(task.lost.task, *record, loss, task.attempts)});
    }
    lost.push_back(std::move(task.lost));
  }
  if (loss == Loss::environment_ends && records) {
    lose_older(*records, lost);
  }
  return lost;
}

/// They were handed over by the spool alone. One that cannot be read says itself what it is, to
/// whoever finds it.
void TaskJournal::lose_older(const std::vector<RecordName>& records, std::vector<Lost>& lost) {
  for (const RecordName& name : records) {
    if (name.number > numbers_from()) {
      return;
    }
    auto record = spool_->read_record(name);
    if (!record) {
      continue;
    }
    LostFiles& files = lost_files_[record->key.sequence];
    add_bodies(record->bodies, files.bodies);
    Lost task{std::move(record->key), {}};
    task.task.id = std::move(record->id);
    task.task.name = std::move(record->task.name);
    files.records.push_back(
        {name, note_end(task.task, name, Loss::environment_ends, record->task.attempts)});
    lost.push_back(std::move(task));
  }
}

void TaskJournal::note_lost(std::uint64_t sequence) {
  const auto files = lost_files_.find(sequence);
  if (files == lost_files_.end()) {
    return;
  }
  for (LostRecord& record : files->second.records) {
    // One that cannot be renamed is as good as gone, or will be removed by its old name.
    if (record.found != record.ended && spool_->rename_record(record.found, record.ended)) {
      record.found = record.ended;
    }
  }
}

std::vector<std::uint64_t> TaskJournal::lost_in() const {
  std::vector<std::uint64_t> sequences;
  for (const auto& [sequence, files] : lost_files_) {
    sequences.push_back(sequence);
  }
  return sequences;
}

void TaskJournal::remove_lost(std::uint64_t sequence) {
  const auto files = lost_files_.extract(sequence);
  if (files.empty()) {
    return;
  }
  for (const LostRecord& record : files.mapped().records) {
    spool_->remove_record(record.found);
  }
  for (const std::string& body : files.mapped().bodies) {
    spool_->remove_capture(body);
  }
}

}  // namespace postlude::runtime
