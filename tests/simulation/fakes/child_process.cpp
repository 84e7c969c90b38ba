// The children of the shim: the extension is real code in a process of its own, the runtime is
// the simulated one.
#include "common/child_process.h"

#include "tests/simulation/simulation.h"

#include <csignal>
#include <utility>

namespace postlude {

using simulation::Process;
using simulation::Simulation;
using simulation::World;

std::string describe(ExitStatus status) {
  return fmt::format(
      "{} {}", status.kind == ExitStatus::Kind::exited ? "exit status" : "signal", status.number);
}

Result<pid_t> start_child(const ChildSpec& spec) {
  World& world = World::current();
  const pid_t pid = world.new_pid();
  if (!world.acts()) {
    return pid;
  }
  Simulation& simulation = Simulation::current();
  if (spec.argv.front() == "postlude-extension") {
    if (simulation.faults().extension_cannot_start()) {
      return fail("start: no such file");
    }
    simulation.start_extension(pid, *world.running(), spec);
  } else {
    simulation.runtime().start(pid, *world.running());
  }
  return pid;
}

std::optional<ExitStatus> peek(pid_t pid) {
  Simulation& simulation = Simulation::current();
  if (pid == simulation.runtime().pid()) {
    return simulation.runtime().status();
  }
  const Process* const process = World::current().find(pid);
  return process == nullptr || !process->announced ? std::nullopt : process->status();
}

std::optional<ExitStatus> reap(pid_t pid) {
  return peek(pid);
}

void signal_group(pid_t leader, int signal) {
  if (!World::current().acts()) {
    return;
  }
  World::current().say("sends signal {} to {}", signal, leader);
  if (leader == Simulation::current().runtime().pid()) {
    Simulation::current().runtime().signal(signal);
  } else if (Process* const process = World::current().find(leader)) {
    process->signal(signal);
  }
}

Result<std::string> find_program(const std::string& name,
                                 std::string_view /*path*/,
                                 std::string_view /*base*/) {
  return name;
}

}  // namespace postlude
