#include "extension/attempts.h"

#include "extension/command_spec.h"
#include "extension/resolve_templates.h"

#include <utility>
#include <vector>

namespace postlude::extension {
namespace {

/// Beside the attempts: calls that were given up while a name server kept them.
constexpr std::size_t kMoreThreads = 8;

}  // namespace

Attempts::Attempts(Place place, Events events)
    : place_(std::move(place)),
      events_(std::move(events)),
      services_(place_.environment),
      spills_(place_.loop, services_, events_.spilled),
      workers_(place_.loop, 2 * static_cast<std::size_t>(place_.concurrency) + kMoreThreads) {}

Attempts::~Attempts() {
  while (!running_.empty()) {
    forget(running_.begin()->first);
  }
}

void Attempts::start(std::uint64_t number, AttemptInput input, const InvocationKey& host) {
  Running& attempt = running_[number];
  attempt.serial = ++last_serial_;
  attempt.input = std::make_shared<AttemptInput>(std::move(input));
  attempt.host = host;
  const Action& action = attempt.input->record.task.action;
  const auto* command = std::get_if<CommandAction>(&action);
  if (command != nullptr && !has_templates(action)) {
    start_command(number, *command);
  } else {
    run_on_worker(number);
  }
}

void Attempts::run_on_worker(std::uint64_t number) {
  Running& attempt = running_.at(number);
  attempt.call = std::make_shared<HttpCall>();
  workers_.submit(
      [this, number, serial = attempt.serial, input = attempt.input, call = attempt.call]()
          -> Workers::Completion {
        auto end = std::make_shared<JobEnd>(run_job(*input, place_.folder, services_, *call));
        return [this, number, serial, end] { job_ended(number, serial, std::move(*end)); };
      });
}

void Attempts::spill(const SpillTask& step, AttemptInput input) {
  forget(step.name.number);
  spills_.start(step, std::move(input));
}

void Attempts::stop(std::uint64_t number, Millis grace) {
  const auto found = running_.find(number);
  if (found == running_.end()) {
    spills_.stop(number);
  } else if (grace == Millis::zero()) {
    forget(number);
  } else {
    // A result that came in time counts, also where a freeze kept us from looking at it.
    workers_.complete();
    stop_gently(number, grace);
  }
}

void Attempts::stop_gently(std::uint64_t number, Millis grace) {
  const auto found = running_.find(number);
  if (found == running_.end()) {
    return;
  }
  if (found->second.command) {
    found->second.command->stop(grace);
  } else {
    // A call is over when its connection is; a handler cannot be interrupted.
    forget(number);
    events_.ended(number, {AttemptResult::Kind::stopped, ""});
  }
}

void Attempts::forget(std::uint64_t number) {
  spills_.stop(number);
  const auto found = running_.find(number);
  if (found == running_.end()) {
    return;
  }
  if (found->second.call) {
    found->second.call->stop();
  }
  running_.erase(found);
}

void Attempts::child_changed() {
  std::vector<RunCommand*> commands;
  for (auto& [number, attempt] : running_) {
    if (attempt.command) {
      commands.push_back(attempt.command.get());
    }
  }
  for (RunCommand* command : commands) {
    command->child_changed();
  }
}

void Attempts::handler_ended(const HandlerEnded& ended) {
  for (const auto& [number, attempt] : running_) {
    if (!attempt.handler_request.empty() && attempt.handler_request == ended.request_id) {
      end(number,
          ended.trouble.empty() ? AttemptResult{}
                                : AttemptResult{AttemptResult::Kind::failed, ended.trouble});
      return;
    }
  }
}

void Attempts::rest() {
  spills_.rest();
  services_.connections.close_all();
}

void Attempts::job_ended(std::uint64_t number, std::uint64_t serial, JobEnd end_of_job) {
  Running* const attempt = find(number, serial);
  if (attempt == nullptr) {
    return;
  }
  attempt->call.reset();
  if (const auto* command = std::get_if<CommandAction>(&end_of_job)) {
    start_command(number, *command);
  } else if (auto* event = std::get_if<HandlerEvent>(&end_of_job)) {
    reenter(number, std::move(*event));
  } else {
    end(number, std::get<AttemptResult>(end_of_job));
  }
}

void Attempts::start_command(std::uint64_t number, const CommandAction& action) {
  if (ended_before_it_began(number)) {
    return;
  }
  Running& attempt = running_.at(number);
  const AttemptInput& input = *attempt.input;
  auto spec = command_spec(action,
                           {.record = input.record,
                            .attempt = input.attempt,
                            .work_deadline = input.work_deadline,
                            .environment = place_.environment,
                            .task_root = place_.task_root});
  if (!spec) {
    end(number, {AttemptResult::Kind::refused, spec.error().message});
    return;
  }
  attempt.command = std::make_unique<RunCommand>(
      CommandPlace{place_.loop, place_.descendants, place_.log}, input.record.id);
  const auto started =
      attempt.command->start(std::move(*spec),
                             input.document(),
                             input.event(),
                             [this, number](const AttemptResult& result) { end(number, result); });
  if (!started) {
    end(number, started.error());
  }
}

void Attempts::reenter(std::uint64_t number, HandlerEvent event) {
  if (ended_before_it_began(number)) {
    return;
  }
  Running& attempt = running_.at(number);
  const Reenter reenter = reenter_for(*attempt.input, attempt.host, event.bytes);
  attempt.handler_request = reenter.request_id;
  events_.reentered(number, reenter.request_id);
  std::vector<UniqueFd> files;
  files.push_back(std::move(event.file));
  place_.shim.send(reenter, std::move(files));
}

/// A freeze, or a slow look-up of a secret, may have used up its time: then nothing starts any
/// more.
bool Attempts::ended_before_it_began(std::uint64_t number) {
  if (now() < running_.at(number).input->until) {
    return false;
  }
  end(number, {AttemptResult::Kind::stopped, ""});
  return true;
}

void Attempts::end(std::uint64_t number, const AttemptResult& result) {
  auto attempt = running_.extract(number);
  if (!attempt.empty()) {
    attempt.mapped().input.reset();  // the freeze may come at once: no file stays open
    // A command may be the caller of this: it may go only when the round is over.
    place_.loop.after_round([kept = std::make_shared<Running>(std::move(attempt.mapped()))] {});
  }
  events_.ended(number, result);
}

Attempts::Running* Attempts::find(std::uint64_t number, std::uint64_t serial) {
  const auto found = running_.find(number);
  return found != running_.end() && found->second.serial == serial ? &found->second : nullptr;
}

}  // namespace postlude::extension
