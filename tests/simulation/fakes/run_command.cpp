// Commands: how long they take and how they end is decided by Work. Process ids are its numbers.
#include "extension/run_command.h"

#include "tests/simulation/simulation.h"

#include <csignal>
#include <map>
#include <utility>

namespace postlude::extension {

using simulation::Process;
using simulation::Simulation;
using simulation::Work;
using simulation::World;

namespace {

/// Ended and not asked for yet.
std::map<pid_t, Work::End>& ended_commands() {
  static std::map<pid_t, Work::End> ended;
  return ended;
}

}  // namespace

tl::expected<void, AttemptResult> RunCommand::start(ChildSpec spec,
                                                    // NOLINTNEXTLINE(performance-unnecessary-value-param)
                                                    TaskDocument /*document*/,
                                                    EventFile /*event*/,
                                                    Done done) {
  World& world = World::current();
  if (world.chance().percent(2)) {
    return tl::unexpected(AttemptResult{AttemptResult::Kind::refused, "no such program"});
  }
  done_ = std::move(done);
  if (!world.acts()) {
    return {};
  }
  const auto number_of = [&spec](std::string_view name) {
    return std::stoll(std::string(spec.environment.get_or(name, "0")));
  };
  Simulation::current().run_begins(id_, static_cast<int>(number_of("POSTLUDE_ATTEMPT")));
  Process* const owner = world.running();
  const auto number = std::make_shared<Work::Id>(0);
  *number = Simulation::current().work().begin(
      {.owner = owner,
       .kind = Work::Kind::command,
       .task_id = id_,
       .deadline =
           Simulation::current().end_of_work(from_epoch_ms(number_of("POSTLUDE_DEADLINE_MS")))},
      [number, owner](Work::End end) {
        ended_commands()[*number] = end;
        owner->signal(SIGCHLD);
      });
  leader_ = *number;
  return {};
}

void RunCommand::stop(Millis grace) {
  if (leader_ != 0 && !ended_commands().contains(leader_)) {
    stopped_ = true;
    Simulation::current().work().stop(leader_, grace);
  }
}

void RunCommand::kill() {
  done_ = nullptr;
  if (leader_ != 0) {
    ended_commands().erase(leader_);
    Simulation::current().work().cancel(std::exchange(leader_, 0));
  }
}

void RunCommand::child_changed() {
  const auto ended = ended_commands().extract(leader_);
  if (ended.empty()) {
    return;
  }
  leader_ = 0;
  status_ = ExitStatus{ExitStatus::Kind::exited, ended.mapped() == Work::End::success ? 0 : 1};
  const Done done = std::exchange(done_, {});
  done(result());
}

AttemptResult RunCommand::result() const {
  if (stopped_) {
    return {AttemptResult::Kind::stopped, ""};
  }
  return status_->success() ? AttemptResult{}
                            : AttemptResult{AttemptResult::Kind::failed, describe(*status_)};
}

}  // namespace postlude::extension
