#include "runtime/task_journal.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace postlude::runtime {
namespace {

/// The one task of its name in an invocation has number 1; deferred ones count on from there.
std::string task_id(const Invocation& invocation, const Task& task) {
  return fmt::format("{}/{}/1", invocation.about().key.request_id, task.name);
}

ReceiptTask dropped_task(std::string id, std::string name) {
  return {.id = std::move(id),
          .name = std::move(name),
          .state = TaskState::dropped,
          .why = "extension unavailable"};
}

bool waits_for(const Task& task, Outcome outcome) {
  switch (task.when) {
    case When::success:
      return outcome == Outcome::success;
    case When::failure:
      return outcome == Outcome::failure;
    case When::always:
      break;
  }
  return true;
}

}  // namespace

std::optional<InvocationBodies> TaskJournal::begin_capture(std::uint64_t sequence) {
  const bool needed = std::any_of(config_.tasks.begin(), config_.tasks.end(), [](const Task& task) {
    return task.trigger == Trigger::invocation;
  });
  if (!needed || !spool_) {
    return std::nullopt;
  }
  Spool* spool = &*spool_;
  return InvocationBodies{
      Capture(spool, fmt::format("{}.event", sequence), Capture::Extent::whole),
      Capture(spool, fmt::format("{}.answer", sequence), Capture::Extent::prefix),
      false,
      {}};
}

EpochTime TaskJournal::work_deadline(const Invocation& invocation) const {
  const auto& about = invocation.about();
  return about.deadline - deadline_margin(config_, remaining(about.deadline, about.event_time));
}

std::vector<const Task*> TaskJournal::matching(const Invocation& invocation) const {
  std::vector<const Task*> tasks;
  for (const Task& task : config_.tasks) {
    if (task.trigger == Trigger::invocation && waits_for(task, *invocation.outcome())) {
      tasks.push_back(&task);
    }
  }
  return tasks;
}

Result<CapturedBodies> TaskJournal::store(const Invocation& invocation,
                                          std::optional<InvocationBodies>& captured) {
  if (!spool_) {
    return tl::unexpected(spool_.error());
  }
  InvocationBodies& bodies = captured.value();
  CapturedBodies stored;
  auto event = bodies.event.store();
  if (!event) {
    return tl::unexpected(event.error());
  }
  stored.event = std::move(*event);
  if (!bodies.error.empty()) {
    stored.error = fmt::format("{}.error", invocation.about().key.sequence);
    if (auto written = spool_->write_capture(stored.error, bodies.error); !written) {
      return tl::unexpected(written.error());
    }
  }
  if (bodies.answer.empty()) {
    return stored;
  }
  auto answer = bodies.answer.store();
  if (!answer) {
    return tl::unexpected(answer.error());
  }
  const bool is_error = invocation.answer_kind() == Invocation::AnswerKind::error;
  (is_error ? stored.error : stored.response) = std::move(*answer);
  stored.response_has_prelude = bodies.answer_has_prelude;
  stored.response_truncated = bodies.answer.truncated();
  return stored;
}

std::size_t TaskJournal::accept(const Invocation& invocation,
                                std::optional<InvocationBodies>& bodies,
                                HandOver hand_over) {
  const auto tasks = matching(invocation);
  if (tasks.empty()) {
    return 0;
  }
  if (hand_over == HandOver::at_once) {
    link_.send(Answered{invocation.about().key, work_deadline(invocation)});
  }
  const auto stored = store(invocation, bodies);
  for (const Task* task : tasks) {
    accept_task(invocation, *task, stored, hand_over);
  }
  return tasks.size();
}

void TaskJournal::accept_task(const Invocation& invocation,
                              const Task& task,
                              const Result<CapturedBodies>& stored,
                              HandOver hand_over) {
  const auto& about = invocation.about();
  const TaskRecord record{.id = task_id(invocation, task),
                          .key = about.key,
                          .deadline = about.deadline,
                          .work_deadline = work_deadline(invocation),
                          .function_arn = about.function_arn,
                          .trace_id = about.trace_id,
                          .tenant_id = about.tenant_id,
                          .bodies = stored.value_or(CapturedBodies{}),
                          .task = task};
  const RecordName name{.number = ++last_record_};
  const Result<void> written =
      stored ? spool_->write_record(name, record) : tl::unexpected(stored.error());
  if (!written) {
    log_.error(fmt::format("the task cannot be kept: {}", written.error().message),
               {about.key.request_id, task.name});
  }
  if (hand_over == HandOver::later) {
    return;
  }
  if (written) {
    handed_over_.push_back(
        {name.number, record.bodies, {about.key, dropped_task(record.id, task.name)}});
    link_.send(Accepted{about.key, format_record_name(name)});
  } else {
    link_.send(Dropped{about.key, record.id, task.name, written.error().message});
  }
}

std::vector<ReceiptTask> TaskJournal::drop(const Invocation& invocation) const {
  std::vector<ReceiptTask> dropped;
  for (const Task* task : matching(invocation)) {
    dropped.push_back(dropped_task(task_id(invocation, *task), task->name));
  }
  return dropped;
}

std::vector<TaskJournal::Lost> TaskJournal::drop_handed_over() {
  std::vector<Lost> lost;
  if (handed_over_.empty()) {
    return lost;
  }
  const auto records = spool_->records();
  for (const HandedOver& task : std::exchange(handed_over_, {})) {
    const auto left = [&task](const RecordName& name) { return name.number == task.number; };
    if (records) {
      const auto record = std::find_if(records->begin(), records->end(), left);
      if (record == records->end()) {
        continue;
      }
      spool_->remove_record(*record);
    }
    for (const std::string* body :
         {&task.bodies.event, &task.bodies.response, &task.bodies.error}) {
      if (!body->empty()) {
        spool_->remove_capture(*body);
      }
    }
    lost.push_back(task.lost);
  }
  return lost;
}

}  // namespace postlude::runtime
