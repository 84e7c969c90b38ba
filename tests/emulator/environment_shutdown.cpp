#include "tests/emulator/execution_environment.h"
#include "tests/emulator/limits.h"

#include <nlohmann/json.hpp>

#include <csignal>
#include <utility>

namespace postlude::emulator {

std::chrono::milliseconds ExecutionEnvironment::shutdown_budget() const {
  if (generation_->has_extensions(ExtensionKind::external)) {
    return kShutdownWithExternal;
  }
  return generation_->has_extensions(ExtensionKind::internal) ? kShutdownWithInternal
                                                              : std::chrono::milliseconds{};
}

void ExecutionEnvironment::shut_down(const std::string& reason) {
  if (!current_generation()) {
    return;
  }
  bool vanishes = false;
  {
    const std::lock_guard lock(monitor_.mutex);
    vanishes = vanishing_;
  }
  if (vanishes) {
    end_generation("VANISHED", Clock::now());
    return;
  }
  const auto budget = shutdown_budget();
  generation_->begin_shutdown();
  generation_->record("shutdownBegin", {{"reason", reason}, {"budgetMs", budget.count()}});
  if (budget.count() > 0) {
    thaw();
  }
  telemetry_.hurry();
  const auto start = Clock::now();
  end_runtime(start, budget);
  end_extensions(reason, start, budget);
  end_generation(reason, start);
}

void ExecutionEnvironment::end_generation(const std::string& reason, Clock::time_point start) {
  generation_->begin_shutdown();
  const bool for_good = reason == "SPINDOWN" || reason == "VANISHED";
  auto leftovers = nlohmann::json::array();
  if (world_.options.survivors == Survivors::kill || for_good) {
    for (const ProcessInfo& process : sandbox_->kill_all()) {
      leftovers.push_back({{"pid", process.pid}, {"name", process.name}});
    }
  } else {
    for (const auto& [who, pid] : pids_) {
      sandbox_->signal_group(who, SIGKILL);
    }
  }
  freezer_->ended();
  snapshot_ = false;
  generation_->close();
  telemetry_.end();
  listener_->shut_connections();
  log_.catch_up();
  generation_->record(for_good ? "shutdown" : "reset",
                      {{"reason", reason},
                       {"leftovers", std::move(leftovers)},
                       {"durationMs", Milliseconds(Clock::now() - start).count()}});
  const std::lock_guard lock(monitor_.mutex);
  generation_.reset();
}

void ExecutionEnvironment::end_runtime(Clock::time_point start, std::chrono::milliseconds budget) {
  if (!pids_.contains(kRuntimeProcess) || wait_exit(kRuntimeProcess, start)) {
    return;
  }
  if (budget.count() > 0) {
    const bool external = generation_->has_extensions(ExtensionKind::external);
    const auto share = world_.options.runtime_shutdown_share.value_or(
        external ? kRuntimeShareWithExternal : budget);
    signal_to(kRuntimeProcess, SIGTERM);
    if (wait_exit(kRuntimeProcess, start + share)) {
      return;
    }
  }
  signal_to(kRuntimeProcess, SIGKILL);
  static_cast<void>(wait_exit(kRuntimeProcess, Clock::now() + kShutdownWithExternal));
}

void ExecutionEnvironment::end_extensions(const std::string& reason,
                                          Clock::time_point start,
                                          std::chrono::milliseconds budget) {
  const auto deadline = start + budget;
  const auto deadline_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
      (std::chrono::system_clock::now() + (deadline - Clock::now())).time_since_epoch());
  const auto extensions = generation_->extensions();
  for (const Extension& extension : extensions) {
    if (!pids_.contains(extension.name)) {
      continue;
    }
    if (extension.kind == ExtensionKind::external && extension.wants_shutdown()) {
      generation_->record("shutdownSent", {{"extension", extension.name}});
      generation_->send_shutdown(extension.id, deadline_ms.count(), reason);
    } else if (extension.kind == ExtensionKind::external &&
               !wait_exit(extension.name, Clock::now())) {
      signal_to(extension.name, SIGKILL);
    }
  }
  for (const Extension& extension : extensions) {
    if (extension.kind == ExtensionKind::external && pids_.contains(extension.name) &&
        !wait_exit(extension.name, deadline)) {
      signal_to(extension.name, SIGKILL);
    }
  }
}

bool ExecutionEnvironment::wait_exit(const std::string& who, Clock::time_point deadline) {
  std::unique_lock lock(monitor_.mutex);
  return monitor_.changed.wait_until(
      lock, deadline, [&] { return generation_->locked_exited(who); });
}

void ExecutionEnvironment::signal_to(const std::string& who, int signal) {
  generation_->record(signal == SIGTERM ? "sigterm" : "sigkill", {{"process", who}});
  if (world_.options.shutdown_signal == ShutdownSignal::group) {
    sandbox_->signal_group(who, signal);
  } else {
    sandbox_->signal_process(who, signal);
  }
}

}  // namespace postlude::emulator
