#include "runtime/task_journal.h"

#include "common/task_json.h"

#include <fmt/format.h>

#include <fcntl.h>

#include <algorithm>
#include <utility>

namespace postlude::runtime {
namespace {

/// The configured task of its name has number 1 in an invocation; deferred ones count on from
/// there.
constexpr int kConfigured = 1;

std::string task_id(const Invocation& invocation, const std::string& name, int number) {
  return fmt::format("{}/{}/{}", invocation.about().key.request_id, name, number);
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
      return true;
    case When::timeout:
      break;
  }
  return false;
}

}  // namespace

TaskJournal::TaskJournal(const Config& config, Result<Spool>& spool, ExtensionLink& link, Log log)
    : config_(config), spool_(spool), link_(link), log_(log) {
  for (const Task& task : config.tasks) {
    definitions_.push_back(task_to_json(task));
  }
}

std::optional<InvocationBodies> TaskJournal::begin_capture(std::uint64_t sequence) {
  if (config_.tasks.empty() || !spool_) {
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
  const auto stored = store(invocation, bodies);
  for (const Task* task : tasks) {
    accept_task(invocation, *task, stored, hand_over);
  }
  return tasks.size();
}

TaskRecord TaskJournal::record_of(const Invocation& invocation,
                                  const Task& task,
                                  int number) const {
  const auto& about = invocation.about();
  TaskRecord record{.id = task_id(invocation, task.name, number),
                    .key = about.key,
                    .deadline = about.deadline,
                    .work_deadline = work_deadline(invocation),
                    .function_arn = about.function_arn,
                    .trace_id = about.trace_id,
                    .tenant_id = about.tenant_id,
                    .bodies = {},
                    .payload = "null",
                    .task = task};
  if (!record.task.dead_letter) {
    record.task.dead_letter = config_.dead_letter;
  }
  const auto configured = std::find_if(config_.tasks.begin(),
                                       config_.tasks.end(),
                                       [&task](const Task& one) { return &one == &task; });
  if (configured != config_.tasks.end()) {
    record.definition =
        definitions_.at(static_cast<std::size_t>(configured - config_.tasks.begin()));
  }
  return record;
}

void TaskJournal::accept_task(const Invocation& invocation,
                              const Task& task,
                              const Result<StoredBodies>& stored,
                              HandOver hand_over) {
  TaskRecord record = record_of(invocation, task, kConfigured);
  const RecordName name{.number = ++last_record_};
  if (stored) {
    record.bodies = stored->names;
  }
  auto written = stored ? spool_->write_record(name, record) : tl::unexpected(stored.error());
  if (!written) {
    log_.error(fmt::format("the task cannot be kept: {}", written.error().message),
               {record.key.request_id, task.name});
  }
  if (hand_over == HandOver::later) {
    return;
  }
  if (written) {
    tell(name, record, std::move(*written), stored->files);
  } else {
    link_.send(Dropped{record.key, record.id, task.name, written.error().message});
  }
}

Result<std::string> TaskJournal::defer(const Invocation& invocation,
                                       std::optional<InvocationBodies>& bodies,
                                       const DeferRequest& request) {
  if (!spool_) {
    return tl::unexpected(spool_.error());
  }
  const std::uint64_t sequence = invocation.about().key.sequence;
  TaskRecord record = record_of(invocation, request.task, next_number(sequence, request.task.name));
  record.payload = request.payload;
  std::vector<UniqueFd> files;
  if (bodies) {
    auto event = bodies->event.store();
    if (!event) {
      return tl::unexpected(event.error());
    }
    record.bodies.event = std::move(*event);
    files.push_back(duplicate(bodies->event.fd()));
  }
  const RecordName name{.number = last_record_ + 1};
  auto written = spool_->write_record(name, record);
  if (!written) {
    return tl::unexpected(written.error());
  }
  last_record_ = name.number;
  ++numbers_[sequence][request.task.name];
  tell(name, record, std::move(*written), files);
  return record.id;
}

int TaskJournal::next_number(std::uint64_t sequence, const std::string& name) {
  const bool configured =
      std::any_of(config_.tasks.begin(), config_.tasks.end(), [&name](const Task& task) {
        return task.name == name && task.trigger == Trigger::invocation;
      });
  return (configured ? kConfigured : 0) + numbers_[sequence][name] + 1;
}

void TaskJournal::tell(const RecordName& name,
                       const TaskRecord& record,
                       UniqueFd file,
                       const std::vector<UniqueFd>& bodies) {
  handed_over_.push_back(
      {name.number, record.bodies, {record.key, dropped_task(record.id, record.task.name)}});
  std::vector<UniqueFd> files;
  files.push_back(std::move(file));
  for (const UniqueFd& body : bodies) {
    files.push_back(duplicate(body.get()));
  }
  // None without all: they stand for members by their order.
  if (!std::all_of(
          files.begin(), files.end(), [](const UniqueFd& one) { return static_cast<bool>(one); })) {
    files.clear();
  }
  link_.send(Accepted{record.key, format_record_name(name)}, std::move(files));
}

std::vector<ReceiptTask> TaskJournal::drop(const Invocation& invocation) const {
  std::vector<ReceiptTask> dropped;
  for (const Task* task : matching(invocation)) {
    dropped.push_back(dropped_task(task_id(invocation, task->name, kConfigured), task->name));
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
