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

std::string task_id(std::string_view request_id, const std::string& name, int number) {
  return fmt::format("{}/{}/{}", request_id, name, number);
}

UniqueFd duplicate(int fd) {
  return UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

ReceiptTask dropped_task(std::string id,
                         std::string name,
                         std::string why = "extension unavailable") {
  return {.id = std::move(id),
          .name = std::move(name),
          .state = TaskState::dropped,
          .why = std::move(why)};
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
    : config_(config), spool_(spool), link_(link), log_(log), last_record_(numbers_from()) {
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
      Capture(spool, capture_name(sequence, Body::event), Capture::Extent::whole),
      Capture(spool, capture_name(sequence, Body::answer), Capture::Extent::prefix),
      false,
      {}};
}

EpochTime TaskJournal::work_deadline(const Invocation& invocation) const {
  const auto& about = invocation.about();
  const EpochTime deadline =
      about.deadline - deadline_margin(config_, remaining(about.deadline, about.event_time));
  return config_.hold_limit && invocation.outcome()
             ? std::min(deadline, invocation.response_end() + *config_.hold_limit)
             : deadline;
}

EpochTime TaskJournal::hold_deadline(const Invocation& invocation) const {
  const EpochTime end = work_deadline(invocation);
  return end +
         std::min(config_.deadline_margin, remaining(invocation.about().deadline, end)) * 7 / 8;
}

EpochTime TaskJournal::release_deadline(const Invocation& invocation) const {
  const auto& about = invocation.about();
  return about.deadline - deadline_margin(config_, remaining(about.deadline, about.event_time)) / 8;
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

Result<TaskJournal::StoredBodies> TaskJournal::store_event(
    std::optional<InvocationBodies>& captured) const {
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
  return stored;
}

Result<TaskJournal::StoredBodies> TaskJournal::store(const Invocation& invocation,
                                                     std::optional<InvocationBodies>& captured) {
  auto stored_event = store_event(captured);
  if (!stored_event) {
    return stored_event;
  }
  InvocationBodies& bodies = captured.value();
  StoredBodies stored = std::move(*stored_event);
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
    stored.names.error = capture_name(invocation.about().key.sequence, Body::error);
    auto error = spool_->write_capture(stored.names.error, bodies.error);
    if (!error) {
      return tl::unexpected(error.error());
    }
    stored.files.push_back(std::move(*error));
  }
  return stored;
}

TaskJournal::Taken TaskJournal::accept(const Invocation& invocation,
                                       std::optional<InvocationBodies>& bodies,
                                       HandOver hand_over) {
  const auto tasks = matching(invocation);
  if (tasks.empty()) {
    return {};
  }
  const Start start = hand_over == HandOver::later ? Start::next_generation : Start::after_answer;
  const auto stored = store(invocation, bodies);
  Taken taken = accept_tasks(invocation, tasks, stored, start);
  if (taken.kept > 0) {
    bodies->event.keep();
    bodies->answer.keep();
  } else if (stored && !stored->names.error.empty()) {
    spool_->remove_capture(stored->names.error);
  }
  return taken;
}

TaskJournal::Taken TaskJournal::accept_unanswered(const Invocation& invocation,
                                                  std::optional<InvocationBodies>& bodies) {
  std::vector<const Task*> tasks;
  for (const Task& task : config_.tasks) {
    if (task.when == When::timeout) {
      tasks.push_back(&task);
    }
  }
  Taken taken = accept_tasks(invocation, tasks, store_event(bodies), Start::at_once);
  if (taken.kept > 0) {
    bodies->event.keep();
  }
  return taken;
}

TaskJournal::Taken TaskJournal::accept_tasks(const Invocation& invocation,
                                             const std::vector<const Task*>& tasks,
                                             const Result<StoredBodies>& stored,
                                             Start start) {
  Taken taken;
  for (const Task* task : tasks) {
    ++taken.tasks;
    taken.handlers += std::holds_alternative<HandlerAction>(task->action) ? 1U : 0U;
    accept_task(invocation, *task, stored, start, taken);
  }
  return taken;
}

bool TaskJournal::waits_for_timeouts() const {
  return std::any_of(config_.tasks.begin(), config_.tasks.end(), [](const Task& task) {
    return task.when == When::timeout;
  });
}

EpochTime TaskJournal::timeout_due(const Invocation& invocation) const {
  const auto& about = invocation.about();
  return about.deadline - 2 * deadline_margin(config_, remaining(about.deadline, about.event_time));
}

TaskRecord TaskJournal::record_of(const Invocation& invocation,
                                  const Task& task,
                                  const Origin& origin,
                                  int number) const {
  const auto& about = invocation.about();
  TaskRecord record{.id = task_id(origin.request_id, task.name, number),
                    .key = about.key,
                    .deadline = about.deadline,
                    .work_deadline = work_deadline(invocation),
                    .function_arn = about.function_arn,
                    .trace_id = about.trace_id,
                    .tenant_id = about.tenant_id,
                    .cognito_identity = about.cognito_identity,
                    .depth = origin.depth,
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
                              Start start,
                              Taken& taken) {
  TaskRecord record =
      record_of(invocation, task, {invocation.about().key.request_id, 0}, kConfigured);
  const RecordName name{.number = ++last_record_};
  if (stored) {
    record.bodies = stored->names;
  }
  auto written = stored ? spool_->write_record(name, record) : tl::unexpected(stored.error());
  if (!written) {
    log_.error(fmt::format("the task cannot be kept: {}", written.error().message),
               {record.key.request_id, task.name});
  }
  taken.kept += written ? 1U : 0U;
  if (start == Start::next_generation) {
    if (!written) {
      taken.dropped.push_back(dropped_task(record.id, task.name, written.error().message));
    }
    return;
  }
  if (written) {
    std::vector<UniqueFd> files;
    files.push_back(std::move(*written));
    for (const UniqueFd& body : stored->files) {
      files.push_back(duplicate(body.get()));
    }
    tell(name, record, std::move(files), start);
  } else {
    const Dropped dropped{record.key, record.id, task.name, written.error().message};
    unkept_[record.key.sequence].push_back(dropped);
    link_.send(dropped);
  }
}

Result<std::string> TaskJournal::defer(const Invocation& invocation,
                                       std::optional<InvocationBodies>& bodies,
                                       const DeferRequest& request,
                                       const Origin& origin) {
  if (!spool_) {
    return tl::unexpected(spool_.error());
  }
  const std::string& task = request.task.name;
  int& deferred = numbers_[invocation.about().key.sequence][origin.request_id + "/" + task];
  const bool in_attempt = origin.depth > 0;
  TaskRecord record = record_of(
      invocation, request.task, origin, (in_attempt ? 0 : configured_number(task)) + deferred + 1);
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
  if (bodies) {
    bodies->event.keep();
  }
  last_record_ = name.number;
  ++deferred;
  files.insert(files.begin(), std::move(*written));
  tell(name,
       record,
       std::move(files),
       invocation.outcome() ? Start::after_answer : Start::before_answer);
  return record.id;
}

/// 0: no configured task of that name has a number in an invocation.
int TaskJournal::configured_number(const std::string& name) const {
  const bool configured =
      std::any_of(config_.tasks.begin(), config_.tasks.end(), [&name](const Task& task) {
        return task.name == name && task.trigger == Trigger::invocation;
      });
  return configured ? kConfigured : 0;
}

void TaskJournal::tell(const RecordName& name,
                       const TaskRecord& record,
                       std::vector<UniqueFd> files,
                       Start start) {
  if (handed_over_.size() >= look_at_) {
    forget_ended();
  }
  handed_over_.push_back({name.number,
                          record.task.attempts,
                          record.bodies,
                          {record.key, dropped_task(record.id, record.task.name)}});
  // None without all: they stand for members by their order.
  if (!std::all_of(
          files.begin(), files.end(), [](const UniqueFd& one) { return static_cast<bool>(one); })) {
    files.clear();
  }
  using Sending = ExtensionLink::Sending;
  link_.send(Accepted{record.key, format_record_name(name), record.id, start == Start::at_once},
             std::move(files),
             start == Start::before_answer ? Sending::with_next : Sending::soon);
}

/// Looks again when there are twice as many, so that each task costs a constant share of a listing.
void TaskJournal::forget_ended() {
  if (const auto records = spool_->records()) {
    std::erase_if(handed_over_, [&records](const HandedOver& task) {
      const auto found = std::lower_bound(
          records->begin(),
          records->end(),
          task.number,
          [](const RecordName& name, std::uint64_t number) { return name.number < number; });
      return found == records->end() || found->number != task.number;
    });
  }
  look_at_ = std::max(kFewHandedOver, 2 * handed_over_.size());
}

std::vector<ReceiptTask> TaskJournal::drop(const Invocation& invocation) const {
  std::vector<ReceiptTask> dropped;
  for (const Task* task : matching(invocation)) {
    dropped.push_back(dropped_task(
        task_id(invocation.about().key.request_id, task->name, kConfigured), task->name));
  }
  return dropped;
}

}  // namespace postlude::runtime
