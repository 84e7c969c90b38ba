#include "tests/emulator/error_types.h"
#include "tests/emulator/execution_environment.h"

#include <nlohmann/json.hpp>

#include <charconv>
#include <fstream>
#include <utility>

namespace postlude::emulator {
namespace {

long resident_kib(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  std::string line;
  while (std::getline(status, line)) {
    constexpr std::string_view kPeak = "VmHWM:";
    if (line.starts_with(kPeak)) {
      const std::size_t digit = line.find_first_of("0123456789");
      long value = 0;
      if (digit != std::string::npos) {
        std::from_chars(line.data() + digit, line.data() + line.size(), value);
      }
      return value;
    }
  }
  return 0;
}

}  // namespace

void ExecutionEnvironment::invoke(const std::shared_ptr<Invocation>& invocation) {
  if (!snapshot_) {
    thaw();
  }
  began_ = Clock::now();
  init_duration_.reset();
  restore_duration_.reset();
  Clock::time_point deadline = began_ + world_.options.timeout;
  if (!init_for(invocation, deadline) || !restore_for(invocation, deadline)) {
    return;
  }
  deliver(invocation, deadline);
  PhaseEnd end = wait_phase(
      deadline, [](const Generation& generation) { return generation.locked_runtime_done(); });
  if (end == PhaseEnd::done) {
    tell_runtime_done(*invocation, {});
    end = wait_phase(deadline,
                     [](const Generation& generation) { return generation.locked_invoke_done(); });
  }
  if (end == PhaseEnd::done) {
    end_well(invocation);
  } else {
    end_badly(invocation, end);
  }
}

bool ExecutionEnvironment::init_for(const std::shared_ptr<Invocation>& invocation,
                                    Clock::time_point& deadline) {
  if (current_generation()) {
    return true;
  }
  if (!suppressed_init_) {
    const PhaseEnd end = init(Clock::now() + world_.options.init_timeout);
    if (end == PhaseEnd::done) {
      began_ = Clock::now();
      deadline = began_ + world_.options.timeout;
      return true;
    }
    report_failed_init(end, InitPhase::init, began_);
    shut_down(end == PhaseEnd::expired ? "TIMEOUT" : "FAILURE");
    suppressed_init_ = true;
  }
  // The suppressed init is part of the invocation: its time is the function's (4.1).
  began_ = Clock::now();
  deadline = began_ + world_.options.timeout;
  const PhaseEnd end = init(deadline);
  init_duration_.reset();
  if (end == PhaseEnd::done) {
    return true;
  }
  report_failed_init(end, InitPhase::invoke, began_);
  log_.begin_tail();
  runtime_done_ = false;
  platform_log_.start(invocation->request().request_id);
  end_badly(invocation, end);
  return false;
}

void ExecutionEnvironment::deliver(const std::shared_ptr<Invocation>& invocation,
                                   Clock::time_point deadline) {
  log_.begin_tail();
  static_cast<void>(task_times_.take());  // told behind the end of an earlier one
  runtime_done_ = false;
  platform_log_.start(invocation->request().request_id);
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
  const auto deadline_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
      (std::chrono::system_clock::now() + left).time_since_epoch());
  generation_->record(
      "invokeStart",
      {{"requestId", invocation->request().request_id}, {"deadlineMs", deadline_ms.count()}});
  generation_->offer({invocation, deadline_ms.count()});
}

void ExecutionEnvironment::end_well(const std::shared_ptr<Invocation>& invocation) {
  const auto ended = Clock::now();
  {
    // All have asked for the next event: who reads so in the log finds this environment free.
    const std::lock_guard lock(monitor_.mutex);
    accepting_ = !stopping_;
  }
  const Milliseconds extensions = ended - generation_->runtime_polled_at();
  generation_->record("invokeEnd",
                      {{"status", "success"},
                       {"durationMs", Milliseconds(ended - began_).count()},
                       {"postRuntimeExtensionsMs", extensions.count()}});
  write_report(invocation->request().request_id, {}, {});
  draw(*invocation);
  invocation->finish(log_.take_tail());
  suppressed_init_ = false;
  freeze();
}

void ExecutionEnvironment::end_badly(const std::shared_ptr<Invocation>& invocation, PhaseEnd end) {
  const std::string& id = invocation->request().request_id;
  generation_->forget_invocation();
  const GenerationFailure failure = failure_of(end);
  const std::string body =
      failure.body.empty() ? platform_error_body(failure.type, id, failure.message) : failure.body;
  generation_->record("invokeEnd",
                      {{"status", end == PhaseEnd::expired ? "timeout" : "error"},
                       {"errorType", failure.type},
                       {"answered", invocation->answered()},
                       {"durationMs", Milliseconds(Clock::now() - began_).count()}});
  invocation->fail({failure.type, body});
  if (!runtime_done_) {
    const bool expired = end == PhaseEnd::expired;
    tell_runtime_done(*invocation,
                      {.status = expired ? "timeout" : "error",
                       .error_type = expired ? std::string() : failure.type});
  }
  if (end == PhaseEnd::expired) {
    platform_log_.timed_out(id, world_.options.timeout);
    write_report(id, "timeout", {});
  } else {
    platform_log_.failed(id, failure.type, failure.message);
    write_report(id, "error", failure.type);
  }
  draw(*invocation);
  invocation->finish(log_.take_tail());
  shut_down(end == PhaseEnd::expired ? "TIMEOUT"
                                     : (end == PhaseEnd::stopped ? "SPINDOWN" : "FAILURE"));
  suppressed_init_ = true;
}

GenerationFailure ExecutionEnvironment::failure_of(PhaseEnd end) {
  if (end == PhaseEnd::expired) {
    return {"Sandbox.Timedout", timeout_text(world_.options.timeout), {}};
  }
  const std::lock_guard lock(monitor_.mutex);
  if (end == PhaseEnd::failed && generation_->locked_failure()) {
    return *generation_->locked_failure();
  }
  return {"Sandbox.Failure", "The environment was shut down", {}};
}

void ExecutionEnvironment::tell_runtime_done(const Invocation& invocation, const RuntimeEnd& how) {
  runtime_done_ = true;
  platform_log_.runtime_done({.request_id = invocation.request().request_id,
                              .duration = Clock::now() - began_,
                              .init_duration = std::nullopt,
                              .status = how.status,
                              .error_type = how.error_type,
                              .produced_bytes = invocation.produced_bytes()});
}

void ExecutionEnvironment::write_report(const std::string& request_id,
                                        const std::string& status,
                                        const std::string& error_type) {
  platform_log_.report({.request_id = request_id,
                        .duration = Clock::now() - began_,
                        .memory_size_mb = world_.options.memory_mb,
                        .memory_used_mb = memory_used_mb(),
                        .init_duration = init_duration_,
                        .restore_duration = restore_duration_,
                        .status = status,
                        .error_type = error_type});
}

/// Not on Managed Instances, where tasks belong to no time of their own.
void ExecutionEnvironment::draw(const Invocation& invocation) {
  if (world_.options.timeline != TimelineOf::each_invocation) {
    return;
  }
  const auto since = [this](const std::optional<Clock::time_point>& time) {
    return time ? std::optional(Milliseconds(*time - began_).count()) : std::nullopt;
  };
  const auto answer = invocation.answer_times();
  InvocationTimes times{.init = init_duration_ ? init_duration_->count() : 0,
                        .answer_begin = since(answer.begin),
                        .answer_end = since(answer.end),
                        .release = Milliseconds(Clock::now() - began_).count()};
  if (restore_duration_) {
    times.init += restore_duration_->count();
  }
  LogCollector::aside(draw_timeline(times, task_times_.take()));
}

void ExecutionEnvironment::freeze() {
  const auto frozen = freezer_->freeze();
  generation_->record(
      "frozen",
      {{"processes", frozen.pids.size()}, {"pids", frozen.pids}, {"complete", frozen.complete}});
}

void ExecutionEnvironment::thaw() {
  if (const auto thawed = freezer_->thaw()) {
    if (thawed->dropped) {
      record_dropped(*thawed->dropped);
    }
    generation_->record("thawed", {{"processes", thawed->processes}});
  }
}

int ExecutionEnvironment::memory_used_mb() const {
  constexpr long kKibPerMib = 1024;
  long sum = 0;
  for (const ProcessInfo& process : sandbox_->processes()) {
    sum += resident_kib(process.pid);
  }
  return static_cast<int>((sum + kKibPerMib - 1) / kKibPerMib);
}

}  // namespace postlude::emulator
