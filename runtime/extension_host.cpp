#include "runtime/extension_host.h"

#include "runtime/task_processes.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

namespace postlude::runtime {
namespace {

/// One that has closed its link is ending, and takes microseconds for it.
constexpr Millis kEndPatience{500};
/// From the end of an external extension to that of the environment, whose budget for it is 2 s
/// (lambda-protocol.md 4.6).
constexpr Millis kPlatformReaction = std::chrono::seconds(5);

}  // namespace

ExtensionHost::ExtensionHost(Parts parts, Log log, Hello hello, Ends ends)
    : loop_(parts.loop),
      supervisor_(parts.supervisor),
      link_(parts.link),
      journal_(parts.journal),
      flow_(parts.flow),
      log_(log),
      hello_(std::move(hello)),
      ends_(std::move(ends)),
      takeover_(loop_, hello_.runtime_api, log_) {}

void ExtensionHost::start(Start start) {
  start_ = std::move(start);
  if (start_.source == ExtensionSource::the_platform) {
    meet_platforms();
    return;
  }
  if (const auto launched = launch(ExtensionState::starting); !launched) {
    give_up(launched.error().message);
  }
}

Result<void> ExtensionHost::launch(ExtensionState state) {
  connected_ = false;
  spoke_ = false;
  hung_ = false;
  hello_.driven = state != ExtensionState::starting;
  hello_.last_record = journal_.last_record();
  if (auto listening = link_.listen(hello_); !listening) {
    return listening;
  }
  if (auto started = supervisor_.start_extension(start_.program, link_.name(), start_.environment);
      !started) {
    return started;
  }
  watchdog_.started(now());
  arm();
  return {};
}

void ExtensionHost::meet_platforms() {
  hello_.last_record = journal_.last_record();
  if (const auto met = meet_platforms_extension(link_, hello_, start_.environment); !met) {
    give_up(met.error().message);
    return;
  }
  connected_ = true;
}

/// Only if the platform lets us live on all the same, nobody will do what was handed over.
void ExtensionHost::platforms_lost() {
  connected_ = false;
  spoke_ = false;
  // Of its commands the kernel ended the leaders alone.
  kill_processes_of(journal_.held().task_ids);
  if (!terminating_ && !runtime_ended_) {
    log_.error("the link to the external extension is gone; the platform is to start over");
    tick_ = loop_.at(now() + kPlatformReaction, [this] {
      tick_.reset();
      give_up("the platform did not end the environment with it");
    });
  }
  ends_.stopped();
}

bool ExtensionHost::finished() const {
  if (start_.source == ExtensionSource::own_child) {
    return !supervisor_.extension_runs();
  }
  return link_.is_lost() || (terminating_ && (hears_shutdown_ || empty_));
}

ExtensionHealth ExtensionHost::health() const {
  if (flow_.extension() == ExtensionState::unavailable) {
    return ExtensionHealth::unavailable;
  }
  return spoke_ || (first_ && connected_) ? ExtensionHealth::running : ExtensionHealth::restarting;
}

void ExtensionHost::on_message(const Message& message) {
  spoke_ = true;
  watchdog_.heard();
  if (const auto* registered = std::get_if<Registered>(&message)) {
    on_registered(*registered);
  } else if (const auto* replayed = std::get_if<Replayed>(&message)) {
    flow_.replayed(*replayed);
  } else if (const auto* settled = std::get_if<Settled>(&message)) {
    takeover_.extension_released(settled->key.sequence);
    flow_.settled(*settled);
  } else if (const auto* reenter = std::get_if<Reenter>(&message)) {
    flow_.reenter(*reenter, link_.take_files());
  } else if (const auto* done = std::get_if<HandlersDone>(&message)) {
    flow_.handlers_done(*done);
  } else if (const auto* states = std::get_if<TaskStates>(&message)) {
    flow_.task_states(*states);
  } else if (std::holds_alternative<Empty>(message)) {
    empty_ = true;
    journal_.nothing_left();
    ends_.stopped();
  }
  if (!waits()) {
    rest();
  } else if (tick_) {
    arm();  // what this message settled had an earlier deadline than what is left
  }
}

void ExtensionHost::on_registered(const Registered& registered) {
  hears_shutdown_ = registered.hears_shutdown;
  if (registered.name_taken && !first_) {
    log_.error(
        "the extension died between the platform's answer to its registration and its word of it: "
        "the platform would wait for it until the init's limit; the environment starts over by "
        "itself");
    ends_.start_over();
    return;
  }
  const bool polled =
      start_.source == ExtensionSource::own_child && start_.order == InvocationOrder::one_by_one;
  if (registered.accepted && polled) {
    takeover_.registered(registered.identifier);
  } else if (!registered.accepted) {
    log_.warn(
        fmt::format("the extension was not registered ({}); the shim holds the environment for "
                    "deferred work itself",
                    registered.reason));
  }
  flow_.extension_is(registered.accepted ? ExtensionState::registered : ExtensionState::refused);
}

void ExtensionHost::on_connected() {
  connected_ = true;
  watchdog_.connected(now());
  arm();
}

/// The event says that the extension has released the invocation before, though its word of that is
/// not read yet: no timer is to run while the function works.
void ExtensionHost::invocation_began(std::uint64_t sequence) {
  takeover_.invocation_began(sequence);
  if (link_.rests()) {
    rest();
  }
}

/// Most messages are answered before the tick comes, which then is none.
void ExtensionHost::on_sent() {
  if (!terminating_ && !hung_ && supervisor_.extension_runs()) {
    watchdog_.watch(now());
    arm();
  }
}

/// A process that ends by itself closes its end first, and may say how it ended.
void ExtensionHost::on_link_lost() {
  rest();
  if (start_.source == ExtensionSource::the_platform) {
    platforms_lost();
    return;
  }
  if (!terminating_) {
    tick_ = loop_.at(now() + kEndPatience, [this] {
      tick_.reset();
      supervisor_.kill_extension();
    });
  }
}

void ExtensionHost::on_ended(ExitStatus status) {
  const bool hung = hung_;
  link_.drain();
  rest();
  takeover_.extension_died(now());
  if (terminating_) {
    flow_.extension_lost(Loss::environment_ends);
    ends_.stopped();
    return;
  }
  const TaskJournal::Held held = journal_.held();
  kill_processes_of(held.task_ids);
  const std::string how = hung ? "it did not answer" : describe(status);
  if (!needed()) {
    ends_.stopped();
  } else if (policy_.died(now()) == RestartPolicy::Verdict::give_up) {
    give_up(how);
  } else {
    log_.warn(fmt::format(
        "the extension ended ({}) and is replaced; {} tasks are replayed", how, held.tasks));
    replace(how);
  }
}

void ExtensionHost::replace(std::string_view how) {
  first_ = false;
  const ExtensionState state = state_of_successor();
  if (const auto launched = launch(state); !launched) {
    give_up(
        fmt::format("{}, and another one cannot be started: {}", how, launched.error().message));
    return;
  }
  flow_.extension_replaced(state);
  if (runtime_ended_) {
    link_.send(RuntimeGone{}, {}, ExtensionLink::Sending::now);
  }
}

void ExtensionHost::give_up(std::string_view reason) {
  log_.error(fmt::format("no extension: {}; deferred work ends dropped", reason));
  link_.give_up();
  flow_.extension_is(ExtensionState::unavailable);
  ends_.stopped();
}

/// A process whose registration nobody heard of may try another one while that is possible.
ExtensionState ExtensionHost::state_of_successor() const {
  switch (flow_.extension()) {
    case ExtensionState::registered:
    case ExtensionState::taken_over:
      return ExtensionState::taken_over;
    case ExtensionState::starting:
      return flow_.registration_open() ? ExtensionState::starting : ExtensionState::refused;
    case ExtensionState::refused:
    case ExtensionState::unavailable:
      break;
  }
  return ExtensionState::refused;
}

bool ExtensionHost::needed() const {
  return !runtime_ended_ || !flow_.idle() || flow_.work_pending();
}

bool ExtensionHost::waits() const {
  return !spoke_ || flow_.awaits_extension();
}

void ExtensionHost::tick() {
  // A freeze may lie between its last word and this look at the clock.
  link_.catch_up();
  if (!waits() || link_.is_lost()) {
    watchdog_.rest();
    return;
  }
  const EpochTime at = now();
  if (overdue(at)) {
    end_overdue(at);
    return;
  }
  if (const auto due = watchdog_.due(); due && *due <= at) {
    switch (watchdog_.tick(at)) {
      case Watchdog::Verdict::ping:
        link_.send(Ping{++pings_});
        break;
      case Watchdog::Verdict::hangs:
        hung_ = true;
        break;
      case Watchdog::Verdict::nothing:
        break;
    }
  }
  if (hung_) {
    supervisor_.kill_extension();
  } else {
    arm();
  }
}

/// No instruction of it runs any more once it was killed: its poll is ours before it is reaped.
void ExtensionHost::end_overdue(EpochTime at) {
  hung_ = true;
  supervisor_.kill_extension();
  takeover_.extension_died(at);
  if (flow_.idle()) {
    takeover_.nothing_held();
  }
}

/// However short the function's timeout is, it must not come to it. A tick that is late means that
/// the environment was frozen beyond that time, which is the platform's doing.
bool ExtensionHost::overdue(EpochTime at) const {
  const auto release = flow_.release_deadline();
  return release && at >= *release && at - *release <= Watchdog::kLate;
}

void ExtensionHost::arm() {
  auto due = terminating_ ? std::nullopt : watchdog_.due();
  if (due) {
    if (const auto release = flow_.release_deadline(); release && *release > now()) {
      due = std::min(*due, *release);
    }
  }
  if (tick_ && due && *due == tick_due_) {
    return;
  }
  if (tick_) {
    loop_.cancel(*std::exchange(tick_, {}));
  }
  if (!due) {
    return;
  }
  tick_due_ = *due;
  tick_ = loop_.at(*due, [this] {
    tick_.reset();
    tick();
  });
}

void ExtensionHost::rest() {
  watchdog_.rest();
  tick_due_ = {};
  if (tick_) {
    loop_.cancel(*std::exchange(tick_, {}));
  }
}

void ExtensionHost::shut_down(EpochTime deadline) {
  terminating_ = true;
  rest();
  takeover_.stop();
  if (!hears_shutdown_) {
    link_.send(ShutDown{deadline});
  }
}

void ExtensionHost::out_of_time() {
  if (supervisor_.extension_runs()) {
    link_.drain();
    flow_.extension_lost(Loss::environment_ends);
  }
}

void ExtensionHost::runtime_ended() {
  runtime_ended_ = true;
  takeover_.stop();
  link_.send(RuntimeGone{}, {}, ExtensionLink::Sending::now);
}

}  // namespace postlude::runtime
