// What a job does besides waiting: the actions themselves have tests of their own.
#include "extension/attempt_job.h"

#include "tests/simulation/simulation.h"

#include <sys/mman.h>
#include <unistd.h>

#include <utility>

namespace postlude::extension {

using simulation::JobFibers;
using simulation::Simulation;
using simulation::Work;
using simulation::World;

namespace {

AttemptResult result_of(Work::End end) {
  switch (end) {
    case Work::End::success:
      return {};
    case Work::End::failed:
      if (World::current().chance().percent(15)) {
        return {AttemptResult::Kind::failed,
                "try again later",
                Millis(World::current().chance().between(1, 4000))};
      }
      return {AttemptResult::Kind::failed, "it failed"};
    case Work::End::refused:
      return {AttemptResult::Kind::refused, "it is refused"};
    case Work::End::stopped:
      break;
  }
  return {AttemptResult::Kind::failed, "it was stopped"};
}

HandlerEvent event_for_handler(const AttemptInput& input) {
  const std::string text =
      fmt::format(R"({{"postlude":{{"id":"{}","attempt":{}}}}})", input.record.id, input.attempt);
  HandlerEvent event;
  event.file = UniqueFd(::memfd_create("postlude-event", MFD_CLOEXEC));
  event.bytes = text.size();
  static_cast<void>(::pwrite(event.file.get(), text.data(), text.size(), 0));
  return event;
}

}  // namespace

JobEnd run_job(const AttemptInput& input,
               const std::string& /*folder*/,
               TaskServices& /*services*/,
               HttpCall& call) {
  const Action& action = input.record.task.action;
  const bool prepares = !std::holds_alternative<HttpAction>(action);
  if (!prepares && !JobFibers::is_stopped(&call)) {
    Simulation::current().run_begins(input.record.id, input.attempt);
  }
  const Work::End end =
      JobFibers::wait_for({.kind = prepares ? Work::Kind::preparation : Work::Kind::call,
                           .task_id = input.record.id,
                           .deadline = Simulation::current().end_of_work(input.work_deadline)},
                          &call);
  if (end == Work::End::success && std::holds_alternative<HandlerAction>(action)) {
    return event_for_handler(input);
  }
  if (const auto* command = std::get_if<CommandAction>(&action);
      command != nullptr && end == Work::End::success) {
    return *command;
  }
  return result_of(end);
}

AttemptResult run_spill(const AttemptInput& input,
                        const SpillTask& step,
                        TaskServices& /*services*/,
                        HttpCall& call) {
  if (!input.record.task.dead_letter) {
    World::current().violate("a task without dead letter is spilled");
  }
  switch (JobFibers::wait_for(
      {.kind = Work::Kind::spill, .task_id = input.record.id, .deadline = step.until + Millis(500)},
      &call)) {
    case Work::End::success:
      return {};
    case Work::End::stopped:
      return {AttemptResult::Kind::stopped, "it was stopped"};
    default:
      return {AttemptResult::Kind::refused, "it is refused"};
  }
}

void prepare_call(TaskServices& /*services*/,
                  const Url& /*url*/,
                  EpochTime /*deadline*/,
                  HttpCall& /*call*/) {}

TemplateSources template_sources(const AttemptInput& input, const TaskServices& services) {
  return {.record = input.record,
          .attempt = input.attempt,
          .work_deadline = input.work_deadline,
          .event = input.event(),
          .response = input.response,
          .error = input.error,
          .environment = services.environment,
          .function_name = services.function_name,
          .secret = {}};
}

}  // namespace postlude::extension
