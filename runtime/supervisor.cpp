#include "runtime/supervisor.h"

#include <poll.h>

#include <cassert>
#include <csignal>
#include <utility>

namespace postlude::runtime {

Supervisor::Supervisor(EventLoop& loop, Signals& signals, Events events)
    : loop_(loop), signals_(signals), events_(std::move(events)) {
  slot_ = loop_.add(signals_.fd(), POLLIN, [this](short) { on_signals(); });
}

Supervisor::~Supervisor() {
  loop_.remove(slot_);
  kill_runtime();
  if (extension_) {
    signal_group(*extension_, SIGTERM);
  }
}

Result<void> Supervisor::start_extension(const std::string& program,
                                         const std::string& link_name,
                                         Environment environment) {
  assert(!extension_);
  // The runtime's private log channel: a second writer would corrupt its frames.
  environment.erase("_LAMBDA_TELEMETRY_LOG_FD");
  auto pid = start_child({.program = program,
                          .argv = {"postlude-extension", "--link", link_name},
                          .environment = std::move(environment),
                          .descriptors = InheritedDescriptors::standard,
                          .parent_death_signal = SIGTERM});
  if (!pid) {
    return tl::unexpected(pid.error());
  }
  extension_ = *pid;
  return {};
}

Result<void> Supervisor::start_runtime(const std::vector<std::string>& command,
                                       Environment environment) {
  const auto program =
      find_program(command.front(), environment.get_or("PATH", "/usr/local/bin:/usr/bin:/bin"), "");
  if (!program) {
    return tl::unexpected(program.error());
  }
  auto pid = start_child({.program = *program,
                          .argv = command,
                          .environment = std::move(environment),
                          .descriptors = InheritedDescriptors::all,
                          .parent_death_signal = SIGKILL});
  if (!pid) {
    return tl::unexpected(pid.error());
  }
  runtime_ = *pid;
  return {};
}

void Supervisor::kill_runtime() {
  if (runtime_) {
    signal_group(*runtime_, SIGKILL);
  }
}

void Supervisor::kill_extension() {
  if (extension_) {
    signal_group(*extension_, SIGKILL);
  }
}

void Supervisor::on_signals() {
  while (const auto signal = signals_.take()) {
    if (*signal == SIGCHLD) {
      reap_children();
    } else {
      hand_on(*signal);
    }
  }
}

void Supervisor::hand_on(int signal) {
  // The platform may signal the process, its group, or both: the runtime gets SIGTERM once.
  if (signal == SIGTERM && std::exchange(terminating_, true)) {
    return;
  }
  if (runtime_) {
    signal_group(*runtime_, signal);
  }
  if (signal == SIGTERM) {
    events_.terminating();
  }
}

void Supervisor::reap_children() {
  if (runtime_) {
    if (const auto status = peek(*runtime_)) {
      const pid_t runtime = *std::exchange(runtime_, {});
      // What is left of its group would keep connections and descriptors open.
      signal_group(runtime, SIGKILL);
      // Told before it is reaped: whoever sees the process gone may rely on it that we know.
      events_.runtime_ended(*status);
      static_cast<void>(reap(runtime));
    }
  }
  if (extension_) {
    if (const auto status = reap(*extension_)) {
      extension_.reset();
      events_.extension_ended(*status);
    }
  }
}

}  // namespace postlude::runtime
