#include "extension/conductor.h"

#include "extension/match.h"

#include <fmt/format.h>

#include <fcntl.h>

#include <algorithm>
#include <cassert>
#include <csignal>
#include <utility>

namespace postlude::extension {

Conductor::Session::Session(Conductor& conductor,
                            const Hello& first,
                            ExtensionApi::Handlers handlers)
    : hello(first),
      spool(Spool::attach(first.spool)),
      schedule(first.concurrency, first.deadline_margin),
      captures(spool),
      platform(conductor.loop_, first.runtime_api, std::move(handlers)),
      attempts(
          {.loop = conductor.loop_,
           .descendants = conductor.descendants_,
           .log = conductor.log_,
           .shim = conductor.shim_,
           .environment = conductor.environment_,
           .task_root = first.task_root,
           .folder = first.spool,
           .concurrency = first.concurrency},
          {.ended =
               [&conductor](std::uint64_t number, const AttemptResult& result) {
                 conductor.on_attempt_ended(number, result);
               },
           .spilled =
               [&conductor](std::uint64_t number, const std::string& trouble) {
                 conductor.apply(conductor.session_->schedule.spill_ended(number, trouble, now()));
               },
           .reentered =
               [this](std::uint64_t number, const std::string& request_id) {
                 schedule.handler_request(number, request_id);
               }}) {}

Conductor::Conductor(PacketSocket shim, Signals signals, Environment environment)
    : signals_(std::move(signals)),
      environment_(std::move(environment)),
      log_(STDOUT_FILENO, LogLevel::info),
      shim_(loop_,
            std::move(shim),
            {[this](const Message& message) { on_message(message); },
             [this](const Error& error) { on_garbage(error); },
             [this] { loop_.stop(); }}),
      random_(std::random_device()()) {
  // After the shim's slot: what it sent before a task ended is known when that end is acted on.
  static_cast<void>(loop_.add(signals_.fd(), POLLIN, [this](short /*revents*/) { on_signal(); }));
  loop_.on_thaw([this] { thawed(); });
}

Result<void> Conductor::run() {
  Descendants::adopt_orphans();
  loop_.run();
  for (const auto& [number, record] : tasks_) {
    session_->attempts.forget(number);
  }
  descendants_.await_deaths();
  return outcome_;
}

/// Without a hello that we understand there is nothing we could do right.
void Conductor::on_garbage(const Error& error) {
  if (session_) {
    log_.error("shim link: " + error.message);
    return;
  }
  outcome_ = fail("the shim's first message: " + error.message);
  loop_.stop();
}

void Conductor::on_message(const Message& message) {
  if (const auto* hello = std::get_if<Hello>(&message)) {
    on_hello(*hello);
    return;
  }
  if (!session_) {
    on_garbage({ErrorCode::failed, "it is no hello"});
    return;
  }
  if (const auto* answered = std::get_if<Answered>(&message)) {
    if (!registered_) {
      loop_.anchor();  // the first word of the event that it gets
    }
    apply(session_->schedule.answered(*answered, now()));
  } else if (const auto* idle = std::get_if<Idle>(&message)) {
    apply(session_->schedule.idle(idle->key, now()));
  } else if (const auto* accepted = std::get_if<Accepted>(&message)) {
    on_accepted(*accepted);
  } else if (const auto* dropped = std::get_if<Dropped>(&message)) {
    apply(session_->schedule.dropped(*dropped, now()));
  } else if (const auto* closed = std::get_if<Closed>(&message)) {
    on_closed(*closed);
  } else if (std::holds_alternative<RuntimeGone>(message)) {
    runtime_gone_ = true;
  } else if (const auto* inspect = std::get_if<Inspect>(&message)) {
    on_inspect(*inspect);
  } else if (const auto* ended = std::get_if<HandlerEnded>(&message)) {
    session_->attempts.handler_ended(*ended);
  } else if (const auto* down = std::get_if<ShutDown>(&message)) {
    on_shut_down(*down);
  } else {
    log_.error("shim link: a message that only the extension sends");
  }
}

void Conductor::on_hello(const Hello& hello) {
  if (session_) {
    log_.error("shim link: a second hello");
    return;
  }
  log_ = Log(STDOUT_FILENO, hello.log_level);
  session_.emplace(
      *this,
      hello,
      ExtensionApi::Handlers{[this](const Registered& registered) { on_registered(registered); },
                             [this](const PlatformEvent& event) { on_platform_event(event); },
                             [this](const Error& error) {
                               session_->release.refused();
                               log_.error("the platform refused the poll for the next event: " +
                                          error.message);
                             }});
  session_->platform.register_for_invoke();
}

void Conductor::on_accepted(const Accepted& accepted) {
  const auto name = parse_record_name(accepted.record);
  if (name && session_->schedule.seen(name->number)) {
    return;
  }
  std::vector<UniqueFd> files = shim_.take_files();
  auto record = read_record(name, files);
  if (!record) {
    log_.error(fmt::format("record {}: {}", accepted.record, record.error().message),
               {accepted.key.request_id, {}});
    if (name) {
      session_->spool.remove_record(*name);
    }
    apply(session_->schedule.dropped(
        {accepted.key, accepted.record, "", "record unreadable: " + record.error().message},
        now()));
    return;
  }
  if (!files.empty()) {
    files.erase(files.begin());
  }
  session_->captures.hold(*record, std::move(files));
  if (!record->task.match.empty() && !matches_answer(*record)) {
    session_->spool.remove_record(*name);
    session_->captures.let_go(record->key);
    return;
  }
  const TaskRecord& task = tasks_[name->number] = std::move(*record);
  const auto start = accepted.at_once ? Schedule::Start::at_once : Schedule::Start::after_answer;
  apply(session_->schedule.accepted(*name, task, now(), start));
}

/// A task that does not match was never accepted: nobody was told an id of it.
bool Conductor::matches_answer(const TaskRecord& record) {
  AttemptInput input = input_for(record);
  input.work_deadline = record.work_deadline;
  return matches(record.task.match, template_sources(input, session_->attempts.services()));
}

/// From the open file that came along, because functions clean /tmp; else by its name.
Result<TaskRecord> Conductor::read_record(const std::optional<RecordName>& name,
                                          const std::vector<UniqueFd>& files) const {
  if (!name) {
    return fail("not the name of a record");
  }
  return files.empty() ? session_->spool.read_record(*name)
                       : Spool::read_record(files.front().get(), *name);
}

void Conductor::on_closed(const Closed& closed) {
  session_->captures.close(closed.key);
  apply(session_->schedule.closed(closed, now()));
}

void Conductor::on_inspect(const Inspect& inspect) {
  // An entry has two names of at most 64 bytes, a request id and little else.
  constexpr std::size_t kMostInAPacket = 128;
  TaskStates states{.query = inspect.query, .last = false, .tasks = {}};
  for (TaskStatus& task : session_->schedule.tasks_of(inspect.key)) {
    states.tasks.push_back(std::move(task));
    if (states.tasks.size() == kMostInAPacket) {
      shim_.send(std::exchange(states, {.query = inspect.query, .last = false, .tasks = {}}));
    }
  }
  states.last = true;
  shim_.send(states);
}

void Conductor::on_shut_down(const ShutDown& down) {
  apply(session_->schedule.shut_down(now(), down.deadline));
}

void Conductor::on_registered(const Registered& registered) {
  shim_.send(registered);
  registered_ = registered.accepted;
  if (registered.accepted) {
    ask_platform(session_->release.registered());
  } else {
    log_.warn("the platform refused the extension, the shim holds invocations instead: " +
              registered.reason);
  }
}

void Conductor::on_platform_event(const PlatformEvent& event) {
  if (event.kind == PlatformEvent::Kind::invoke) {
    loop_.anchor();
    ask_platform(session_->release.invoked(event.request_id));
  }
}

void Conductor::on_signal() {
  bool child_changed = false;
  while (const auto signal = signals_.take()) {
    child_changed = child_changed || *signal == SIGCHLD;
    if (*signal == SIGTERM) {
      loop_.stop();
    }
  }
  if (!child_changed) {
    return;
  }
  if (session_) {
    session_->attempts.child_changed();
  }
  descendants_.child_changed();
}

void Conductor::on_attempt_ended(std::uint64_t number, const AttemptResult& result) {
  if (!result.why.empty()) {
    const TaskRecord& record = tasks_.at(number);
    log_.debug("attempt ended: " + result.why, {record.key.request_id, record.id});
  }
  const auto random = std::generate_canonical<double, 16>(random_);
  apply(session_->schedule.attempt_ended(number, result, now(), random));
}

void Conductor::apply(Steps steps) {
  to_do_.insert(
      to_do_.end(), std::make_move_iterator(steps.begin()), std::make_move_iterator(steps.end()));
  if (doing_) {
    return;
  }
  doing_ = true;
  while (!to_do_.empty()) {
    const Step step = std::move(to_do_.front());
    to_do_.pop_front();
    std::visit([this](const auto& value) { perform(value); }, step);
  }
  doing_ = false;
  assert(session_->schedule.accounting().balanced());
  set_timer();
  if (session_->schedule.over() && !std::exchange(told_empty_, true)) {
    descendants_.await_deaths();
    shim_.send(Empty{});
    loop_.stop();
  }
}

void Conductor::perform(const StartAttempt& step) {
  rename(step.before, step.after);
  AttemptInput input = input_for(tasks_.at(step.after.number));
  input.attempt = step.after.attempts;
  input.work_deadline = step.work_deadline;
  input.until = step.until;
  session_->attempts.start(step.after.number, std::move(input), step.host);
}

void Conductor::perform(const StopAttempt& step) {
  session_->attempts.stop(step.number, step.grace);
}

void Conductor::perform(const NoteInterruption& step) {
  rename(step.before, step.after);
}

void Conductor::perform(const EndTask& step) {
  session_->spool.remove_record(step.name);
  session_->captures.let_go(step.accepted_in);
  session_->attempts.forget(step.name.number);
  tasks_.erase(step.name.number);
}

void Conductor::perform(const SpillTask& step) {
  AttemptInput input = input_for(tasks_.at(step.name.number));
  input.attempt = std::max(step.name.attempts, 1);
  input.work_deadline = input.record.work_deadline;
  input.until = step.until;
  session_->attempts.spill(step, std::move(input));
}

void Conductor::perform(const HandlersDone& step) {
  shim_.send(step);
}

void Conductor::perform(const WriteReceipt& step) {
  for (const std::string& line : receipt_lines(step.receipt, now())) {
    log_.raw(line);
  }
}

void Conductor::perform(const ReleaseInvocation& step) {
  session_->attempts.rest();
  descendants_.await_deaths();
  shim_.send(Settled{step.key, step.carried, step.carried_handlers});
  ask_platform(session_->release.settled(step.key.request_id));
}

AttemptInput Conductor::input_for(const TaskRecord& record) {
  const Bodies& bodies = session_->captures.bodies(record);
  AttemptInput input;
  input.record = record;
  if (bodies.event >= 0) {
    input.event_file = UniqueFd(::fcntl(bodies.event, F_DUPFD_CLOEXEC, 0));
    input.event_bytes = bodies.event_bytes;
  }
  input.response = bodies.response;
  input.error = bodies.error;
  return input;
}

void Conductor::rename(const RecordName& before, const RecordName& after) {
  // A function may have cleaned /tmp: what is needed to go on is in memory.
  if (const auto renamed = session_->spool.rename_record(before, after); !renamed) {
    log_.debug("record not renamed: " + renamed.error().message);
  }
}

void Conductor::ask_platform(Release::Verdict verdict) {
  if (verdict == Release::Verdict::ask && !runtime_gone_) {
    session_->platform.ask_next();
  }
}

}  // namespace postlude::extension
