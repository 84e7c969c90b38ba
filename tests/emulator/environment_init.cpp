#include "tests/emulator/execution_environment.h"
#include "tests/emulator/limits.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

namespace postlude::emulator {
namespace {

// What the shell in a managed bootstrap ends with.
constexpr int kNotExecutable = 126;
constexpr int kNotFound = 127;

/// A process that wrote and ended at once, or waits for the word that it was heard, has its bytes
/// in our sockets already; reading and answering them takes less than this.
constexpr std::chrono::milliseconds kLastWords{1000};
constexpr std::chrono::milliseconds kLastWordsStep{2};

std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (!entry.is_directory(error)) {
      names.push_back(entry.path().filename().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string variable(const Options& options, const std::string& name) {
  for (const auto& [key, value] : options.variables) {
    if (key == name) {
      return value;
    }
  }
  return {};
}

}  // namespace

void ExecutionEnvironment::init_ahead() {
  const auto began = Clock::now();
  const PhaseEnd end = init(began + world_.options.init_timeout);
  if (end == PhaseEnd::done) {
    if (!snapshot_) {
      freeze();
    }
    return;
  }
  report_failed_init(end, InitPhase::init, began);
  shut_down(end == PhaseEnd::expired ? "TIMEOUT" : "FAILURE");
  suppressed_init_ = true;
}

ExecutionEnvironment::PhaseEnd ExecutionEnvironment::init(Clock::time_point deadline) {
  {
    const std::lock_guard lock(monitor_.mutex);
    generation_ = std::make_shared<Generation>(
        monitor_,
        Generation::Tags{.journal = &world_.journal,
                         .environment = number_,
                         .number = ++generations_,
                         .rules = world_.options.init_type == InitType::managed_instances
                                      ? ExtensionRules::managed
                                      : ExtensionRules::on_demand});
  }
  pids_.clear();
  const auto began = Clock::now();
  platform_log_.init_start(init_start());
  generation_->record("initStart", {{"api", fmt::format("127.0.0.1:{}", listener_->port())}});
  PhaseEnd end = start_extensions(deadline);
  if (end == PhaseEnd::done) {
    end = start_runtime() ? wait_for_runtime(deadline) : PhaseEnd::failed;
  }
  generation_->end_init();
  if (end == PhaseEnd::done) {
    report_good_init(began);
  }
  for (const Extension& extension : generation_->extensions()) {
    platform_log_.extension(extension);
  }
  if (end == PhaseEnd::done) {
    init_duration_ = Clock::now() - began;
    generation_->record("initDone", {{"durationMs", init_duration_->count()}});
    if (world_.options.init_type == InitType::snap_start) {
      take_snapshot();
    }
  }
  return end;
}

InitStart ExecutionEnvironment::init_start() const {
  const std::string version = variable(world_.options, "AWS_EXECUTION_ENV");
  return {.runtime_version = version.empty() ? "emulated:1" : version,
          .region = world_.options.region,
          .function_name = world_.options.function_name,
          .init_type = init_type_text(world_.options.init_type),
          .phase = init_phase()};
}

ExecutionEnvironment::PhaseEnd ExecutionEnvironment::wait_for_runtime(Clock::time_point deadline) {
  const PhaseEnd end = wait_phase(
      deadline, [](const Generation& generation) { return generation.locked_runtime_ready(); });
  if (end != PhaseEnd::done) {
    return end;
  }
  platform_log_.init_runtime_done({.phase = init_phase(),
                                   .status = {},
                                   .error_type = {},
                                   .init_type = init_type_text(world_.options.init_type)});
  return wait_phase(deadline, [](const Generation& generation) {
    return generation.locked_init_done() || generation.locked_restore_ready();
  });
}

void ExecutionEnvironment::report_good_init(Clock::time_point began) {
  const InitReport report{.duration = Clock::now() - began,
                          .phase = init_phase(),
                          .status = {},
                          .error_type = {},
                          .init_type = init_type_text(world_.options.init_type)};
  // Successful inits are logged everywhere but on demand (lambda-protocol.md 6.4).
  if (world_.options.init_type == InitType::on_demand) {
    platform_log_.unlogged_init_report(report);
  } else {
    platform_log_.init_report(report);
  }
}

ExecutionEnvironment::PhaseEnd ExecutionEnvironment::wait_phase(
    Clock::time_point deadline, const std::function<bool(const Generation&)>& done) {
  {
    std::unique_lock lock(monitor_.mutex);
    monitor_.changed.wait_until(lock, deadline, [&] {
      return stopping_ || done(*generation_) || generation_->locked_failure();
    });
    if (done(*generation_)) {
      return PhaseEnd::done;
    }
    if (!generation_->locked_failure()) {
      return stopping_ ? PhaseEnd::stopped : PhaseEnd::expired;
    }
  }
  wait_for_last_words();
  return PhaseEnd::failed;
}

void ExecutionEnvironment::wait_for_last_words() {
  const auto end = Clock::now() + kLastWords;
  int quiet_rounds = 0;
  constexpr int kEnoughRounds = 2;
  while (quiet_rounds < kEnoughRounds && Clock::now() < end) {
    std::unique_lock lock(monitor_.mutex);
    monitor_.changed.wait_for(lock, kLastWordsStep, [&] { return stopping_; });
    lock.unlock();
    quiet_rounds = listener_->quiet() ? quiet_rounds + 1 : 0;
  }
}

ExecutionEnvironment::PhaseEnd ExecutionEnvironment::start_extensions(Clock::time_point deadline) {
  if (const auto started = start_external_extensions(); !started) {
    generation_->cannot_start({"Extension.LaunchError", started.error().message, {}});
    return PhaseEnd::failed;
  }
  return wait_phase(deadline, [](const Generation& generation) {
    return generation.locked_externals_registered();
  });
}

EnvironmentFacts ExecutionEnvironment::facts() const {
  return {fmt::format("127.0.0.1:{}", listener_->port()),
          log_stream_,
          world_.path,
          api_settings_.credentials_token};
}

Result<void> ExecutionEnvironment::start_external_extensions() {
  if (world_.options.layer_dir.empty()) {
    return {};
  }
  const std::string folder = world_.options.layer_dir + "/extensions";
  for (const std::string& name : files_in(folder)) {
    generation_->launched(name);
    auto pid = sandbox_->start_process({.who = name,
                                        .argv = {(std::filesystem::path(folder) / name).string()},
                                        .environment = extension_variables(world_.options, facts()),
                                        .working_directory = "/",
                                        .log = ProcessLog::extension});
    if (!pid) {
      return tl::unexpected(pid.error());
    }
    freezer_->started();
    pids_[name] = *pid;
    generation_->record("processStarted", {{"process", name}, {"pid", *pid}});
  }
  return {};
}

Result<std::vector<std::string>> ExecutionEnvironment::runtime_command() const {
  const Options& options = world_.options;
  if (options.runtime.kind == RuntimeKind::provided) {
    for (const std::string& folder : {options.function_dir, options.layer_dir}) {
      const std::string path = folder + "/bootstrap";
      if (!folder.empty() && ::access(path.c_str(), X_OK) == 0) {
        return std::vector<std::string>{path};
      }
    }
    return fail("Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]");
  }
  auto program = find_program(options.runtime.command.front(), world_.path, options.function_dir);
  if (!program) {
    return tl::unexpected(program.error());
  }
  std::vector<std::string> argv = options.runtime.command;
  argv.front() = std::move(*program);
  const std::string wrapper = variable(options, "AWS_LAMBDA_EXEC_WRAPPER");
  if (!wrapper.empty()) {
    argv.insert(argv.begin(), wrapper);
  }
  return argv;
}

bool ExecutionEnvironment::start_runtime() {
  const auto argv = runtime_command();
  if (!argv) {
    generation_->cannot_start({"Runtime.InvalidEntrypoint", argv.error().message, {}});
    return false;
  }
  const auto pid =
      sandbox_->start_process({.who = kRuntimeProcess,
                               .argv = *argv,
                               .environment = runtime_variables(world_.options, facts()),
                               .working_directory = world_.options.function_dir});
  if (pid) {
    freezer_->started();
    pids_[kRuntimeProcess] = *pid;
    generation_->record("processStarted", {{"process", kRuntimeProcess}, {"pid", *pid}});
    return true;
  }
  const bool missing = pid.error().code == ErrorCode::not_found;
  if (argv->front() == variable(world_.options, "AWS_LAMBDA_EXEC_WRAPPER")) {
    // A managed bootstrap is a shell script that executes the wrapper.
    platform_log_.line(
        fmt::format("{}: {}", argv->front(), missing ? "not found" : "cannot execute"));
    generation_->process_exited(kRuntimeProcess,
                                {ExitStatus::Kind::exited, missing ? kNotFound : kNotExecutable});
  } else {
    generation_->cannot_start({"Runtime.InvalidEntrypoint", pid.error().message, {}});
  }
  return false;
}

void ExecutionEnvironment::report_failed_init(PhaseEnd end,
                                              InitPhase phase,
                                              Clock::time_point began) {
  InitReport report{.duration = Clock::now() - began,
                    .phase = phase,
                    .status = "timeout",
                    .error_type = {},
                    .init_type = init_type_text(world_.options.init_type)};
  if (end != PhaseEnd::expired) {
    report.status = "error";
    report.error_type = failure_of(end).type;
  }
  platform_log_.init_report(report);
  generation_->record("initFailed",
                      {{"phase", phase == InitPhase::init ? "init" : "invoke"},
                       {"status", report.status},
                       {"errorType", report.error_type}});
}

}  // namespace postlude::emulator
