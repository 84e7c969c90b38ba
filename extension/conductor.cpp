#include "extension/conductor.h"

#include "extension/fresh_random.h"
#include "extension/match.h"

#include <fmt/format.h>

#include <csignal>
#include <utility>

namespace postlude::extension {

Conductor::Session::Session(Conductor& conductor, const Hello& first)
    : hello(first),
      receipts(conductor.log_,
               first.metrics,
               std::string(conductor.environment_.get_or("AWS_LAMBDA_FUNCTION_NAME", {}))),
      schedule(first.concurrency, first.deadline_margin),
      records(Spool::attach(first.spool), conductor.log_),
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

Conductor::Conductor(Signals signals, Environment environment)
    : signals_(std::move(signals)),
      environment_(std::move(environment)),
      log_(STDOUT_FILENO, LogLevel::info),
      shim_(loop_,
            {[this](const Message& message) { on_message(message); },
             [this](const Error& error) { on_garbage(error); },
             [this] { on_link_closed(); }}) {
  loop_.on_thaw([this] { thawed(); });
}

Conductor::Conductor(PacketSocket shim, Signals signals, Environment environment)
    : Conductor(std::move(signals), std::move(environment)) {
  shim_.attach(std::move(shim));
  // After the shim's slot: what it sent before a task ended is known when that end is acted on.
  static_cast<void>(loop_.add(signals_.fd(), POLLIN, [this](short /*revents*/) { on_signal(); }));
}

void Conductor::speak_to_platform(const std::string& address) {
  platform_ = std::make_unique<ExtensionApi>(
      loop_,
      address,
      ExtensionApi::Handlers{[this](const Registered& registered) { on_registered(registered); },
                             [this](const PlatformEvent& event) { on_platform_event(event); },
                             [this](const Error& error) {
                               log_.error("the platform refused the poll for the next event: " +
                                          error.message);
                               ask_platform(release_.refused());
                             }});
}

Result<void> Conductor::run() {
  Descendants::adopt_orphans();
  loop_.run();
  if (session_) {
    for (const Step& step : session_->schedule.last_words()) {
      std::visit([this](const auto& value) { perform(value); }, step);
    }
    for (const std::uint64_t number : session_->records.numbers()) {
      session_->attempts.forget(number);
    }
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
  if (external_) {
    log_.error(outcome_.error().message);
    shim_.hang_up();
    on_link_closed();
    return;
  }
  loop_.stop();
}

void Conductor::on_message(const Message& message) {
  if (platform_ && !std::holds_alternative<Ping>(message)) {
    platform_->attend();
  }
  if (session_ || std::holds_alternative<Hello>(message)) {
    std::visit([this](const auto& value) { on(value); }, message);
  } else {
    on_garbage({ErrorCode::failed, "it is no hello"});
  }
}

template <class Other>
void Conductor::on(const Other& /*other*/) {
  log_.error("shim link: a message that only the extension sends");
}

void Conductor::on(const Hello& hello) {
  if (session_) {
    log_.error("shim link: a second hello");
    return;
  }
  log_ = Log(STDOUT_FILENO, hello.log_level);
  take_environment();
  order_ = invocation_order(environment_);
  session_.emplace(*this, hello);
  if (order_ == InvocationOrder::overlapping) {
    session_->schedule.expect_overlap();
  }
  if (hello.metrics) {
    session_->schedule.tell_every_answer();
  }
  // The platform waits for it, so it goes first.
  register_for(hello);
  replay(session_->records.replay(hello.last_record));
  session_->records.remove_orphans();
  const Schedule& schedule = session_->schedule;
  shim_.send(
      Replayed{schedule.carried() + session_->records.unread(), schedule.carried_handlers()});
}

/// The external extension has done it long ago.
void Conductor::register_for(const Hello& hello) {
  if (external_) {
    if (external_->word) {
      shim_.send(*external_->word);
    }
    return;
  }
  speak_to_platform(hello.runtime_api);
  if (!hello.driven) {
    platform_->register_as(
        kInternalName,
        order_ == InvocationOrder::overlapping ? Subscription::none : Subscription::invoke);
  }
}

/// An earlier process may have ended before it looked whether the answer matches. Where a body is
/// gone nobody can tell any more, and the task stays.
void Conductor::replay(std::vector<FoundRecord> found) {
  std::erase_if(found, [this](const FoundRecord& one) {
    const std::uint64_t number = one.name.number;
    if (!may_be_unmatched(one) || session_->records.bodies(number).missing ||
        matches_answer(number)) {
      return false;
    }
    session_->records.let_go(one.record->key);
    session_->records.remove(one.name);
    return true;
  });
  apply(session_->schedule.replayed(found, session_->hello.last_record, now()));
  for (const UnreadableRecord& record : session_->records.unreadable()) {
    apply(session_->schedule.unreadable(record));
  }
}

void Conductor::replay_unread() {
  if (session_->records.unread() > 0) {
    replay(session_->records.replay_unread());
  }
}

bool Conductor::may_be_unmatched(const FoundRecord& found) {
  const RecordName& name = found.name;
  return !found.record->task.match.empty() && name.mark == RecordMark::waiting &&
         name.attempts == 0 && name.interruptions == 0;
}

void Conductor::on(const Answered& answered) {
  if (!release_.has_invoke(answered.key.request_id)) {
    loop_.anchor();  // the first word of this event: its INVOKE comes later, or never
  }
  replay_unread();
  apply(session_->schedule.answered(answered, now()));
}

void Conductor::on(const Idle& idle) {
  apply(session_->schedule.idle(idle.key, now()));
}

void Conductor::on(const Dropped& dropped) {
  apply(session_->schedule.dropped(dropped, now()));
}

void Conductor::on(const HandlerEnded& ended) {
  session_->attempts.handler_ended(ended);
}

void Conductor::on(const RuntimeGone& /*gone*/) {
  runtime_gone_ = true;
}

void Conductor::on(const Restored& /*restored*/) {
  session_->attempts.forget_outside();
}

void Conductor::on(const Ping& ping) {
  shim_.send(Pong{ping.number});
}

void Conductor::on(const Accepted& accepted) {
  const auto name = parse_record_name(accepted.record);
  if (!name) {
    log_.error(accepted.record + " is not the name of a record", {accepted.key.request_id, {}});
    not_read(accepted, "not the name of a record", std::nullopt);
    return;
  }
  if (session_->schedule.seen(name->number)) {
    return;
  }
  const auto record =
      session_->records.accept(*name, {accepted.id, accepted.key.request_id}, shim_.take_files());
  if (!record && record.error().kind == HeldRecords::Trouble::Kind::passing) {
    log_.warn("a record will be read again later: " + record.error().why);
  } else if (!record && session_->records.superseded()) {
    leave();
  } else if (!record && record.error().kind == HeldRecords::Trouble::Kind::damaged) {
    not_read(accepted, record.error().why, *name);
  } else if (!record) {
    log_.error("a record is gone: " + record.error().why, {accepted.key.request_id, {}});
    not_read(accepted, record.error().why, std::nullopt);
  } else if (!(*record)->task.match.empty() && !matches_answer(name->number)) {
    session_->records.let_go((*record)->key);
    session_->records.remove(*name);
  } else {
    const auto start = accepted.at_once ? Schedule::Start::at_once : Schedule::Start::after_answer;
    apply(session_->schedule.accepted(*name, **record, now(), start));
  }
}

void Conductor::not_read(const Accepted& accepted,
                         const std::string& why,
                         const std::optional<RecordName>& damaged) {
  apply(session_->schedule.dropped(
      {accepted.key, accepted.id, task_name_of(accepted.id), "its record cannot be read: " + why},
      now(),
      damaged));
}

/// A task that does not match was never accepted: nobody was told an id of it.
bool Conductor::matches_answer(std::uint64_t number) {
  AttemptInput input = input_for(number);
  input.work_deadline = input.record.work_deadline;
  return matches(input.record.task.match, template_sources(input, session_->attempts.services()));
}

void Conductor::on(const Closed& closed) {
  replay_unread();
  session_->records.close(closed.key);
  apply(session_->schedule.closed(closed, now()));
}

void Conductor::on(const Inspect& inspect) {
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

void Conductor::on(const ShutDown& down) {
  apply(session_->schedule.shut_down(now(), down.deadline));
}

void Conductor::on_registered(const Registered& registered) {
  if (external_) {
    external_registered(registered);
    return;
  }
  shim_.send(registered);
  registered_ = registered.accepted;
  if (registered.accepted) {
    ask_platform(release_.registered());
  } else {
    log_.warn("the platform refused the extension, the shim holds invocations instead: " +
              registered.reason);
  }
}

void Conductor::on_platform_event(const PlatformEvent& event) {
  if (external_ && external_event(event)) {
    return;
  }
  if (event.kind == PlatformEvent::Kind::invoke) {
    loop_.anchor();
    ask_platform(release_.invoked(event.request_id));
  }
}

void Conductor::on_link_closed() {
  if (external_) {
    shim_ended();
  } else {
    loop_.stop();
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
    const TaskRecord& record = session_->records.at(number);
    log_.debug("attempt ended: " + result.why, {record.key.request_id, record.id});
  }
  apply(session_->schedule.attempt_ended(number, result, now(), fresh_fraction()));
}

void Conductor::ask_platform(Release::Verdict verdict) {
  if (verdict == Release::Verdict::ask && !runtime_gone_ && !platform_->asking()) {
    // Nothing can be done before the shim speaks of an invocation. The external one hears SHUTDOWN.
    using Reading = ExtensionApi::Reading;
    platform_->ask_next(external_ ? Reading::at_once : Reading::when_attended);
  }
}

}  // namespace postlude::extension
