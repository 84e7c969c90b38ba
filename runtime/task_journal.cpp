#include "runtime/task_journal.h"

#include <fmt/format.h>

#include <fcntl.h>

#include <algorithm>
#include <utility>

namespace postlude::runtime {
namespace {

/// The one task of its name in an invocation has number 1; deferred ones count on from there.
std::string task_id(const Invocation& invocation, const Task& task) {
  return fmt::format("{}/{}/1", invocation.about().key.request_id, task.name);
}

UniqueFd duplicate(int fd) {
  return UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
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

Result<TaskJournal::StoredBodies> TaskJournal::store(const Invocation& invocation,
                                                     std::optional<InvocationBodies>& captured) {
  if (!spool_) {
    return tl::unexpected(spool_.error());
  }
  InvocationBodies& bodies = captured.value();
  StoredBodies stored;
  auto event = bodies.event.store();
  if (!event) {
    return tl::unexpected(event.error());
  }
  stored.names.event = std::move(*event);
  stored.files.push_back(duplicate(bodies.event.fd()));
  if (!bodies.answer.empty()) {
    auto answer = bodies.answer.store();
    if (!answer) {
      return tl::unexpected(answer.error());
    }
    const bool is_error = invocation.answer_kind() == Invocation::AnswerKind::error;
    (is_error ? stored.names.error : stored.names.response) = std::move(*answer);
    stored.names.response_has_prelude = bodies.answer_has_prelude;
    stored.names.response_truncated = bodies.answer.truncated();
    stored.files.push_back(duplicate(bodies.answer.fd()));
  }
  if (!bodies.error.empty() && stored.names.error.empty()) {
    stored.names.error = fmt::format("{}.error", invocation.about().key.sequence);
    auto error = spool_->write_capture(stored.names.error, bodies.error);
    if (!error) {
      return tl::unexpected(error.error());
    }
    stored.files.push_back(std::move(*error));
  }
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
                              const Result<StoredBodies>& stored,
                              HandOver hand_over) {
  const auto& about = invocation.about();
  const TaskRecord record{.id = task_id(invocation, task),
                          .key = about.key,
                          .deadline = about.deadline,
                          .work_deadline = work_deadline(invocation),
                          .function_arn = about.function_arn,
                          .trace_id = about.trace_id,
                          .tenant_id = about.tenant_id,
                          .bodies = stored ? stored->names : CapturedBodies{},
                          .task = task};
  const RecordName name{.number = ++last_record_};
  auto written = stored ? spool_->write_record(name, record) : tl::unexpected(stored.error());
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
    std::vector<UniqueFd> files;
    files.push_back(std::move(*written));
    for (const UniqueFd& body : stored->files) {
      files.push_back(duplicate(body.get()));
    }
    // None without all: they stand for members by their order.
    if (!std::all_of(files.begin(), files.end(), [](const UniqueFd& file) {
          return static_cast<bool>(file);
        })) {
      files.clear();
    }
    link_.send(Accepted{about.key, format_record_name(name)}, std::move(files));
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
