// SnapStart: what an init left is frozen until a caller needs it, and goes on as a copy restored
// elsewhere would: with a limit of its own, and without its connections (lambda-protocol.md 1.6).
#include "tests/emulator/caller_request.h"
#include "tests/emulator/execution_environment.h"

#include <nlohmann/json.hpp>

#include <utility>

namespace postlude::emulator {

void ExecutionEnvironment::take_snapshot() {
  init_duration_.reset();  // nobody's invocation has it
  snapshot_ = true;
  freeze();
}

bool ExecutionEnvironment::restore_for(const std::shared_ptr<Invocation>& invocation,
                                       Clock::time_point& deadline) {
  if (!std::exchange(snapshot_, false)) {
    return true;
  }
  const PhaseEnd end = restore();
  if (end != PhaseEnd::done) {
    fail_restore(invocation, end);
    return false;
  }
  began_ = Clock::now();
  deadline = began_ + world_.options.timeout;
  return true;
}

ExecutionEnvironment::PhaseEnd ExecutionEnvironment::restore() {
  const auto began = Clock::now();
  platform_log_.restore_start(init_start());
  drop_connections();
  thaw();
  generation_->restore();
  const PhaseEnd end =
      wait_phase(began + world_.options.restore_timeout,
                 [](const Generation& generation) { return generation.locked_init_done(); });
  RestoreReport report{.duration = Clock::now() - began, .status = {}};
  if (end == PhaseEnd::done) {
    restore_duration_ = report.duration;
    generation_->record("restoreDone", {{"durationMs", report.duration.count()}});
  } else {
    report.status = end == PhaseEnd::expired ? "timeout" : "error";
    generation_->record(
        "restoreFailed",
        {{"status", report.status},
         {"errorType", end == PhaseEnd::expired ? std::string() : failure_of(end).type}});
  }
  platform_log_.restore_report(report);
  return end;
}

void ExecutionEnvironment::fail_restore(const std::shared_ptr<Invocation>& invocation,
                                        PhaseEnd end) {
  if (end == PhaseEnd::stopped) {
    const GenerationFailure failure = failure_of(end);
    invocation->fail({failure.type, R"({"errorType":"Sandbox.Failure"})"});
  } else {
    const ServiceError error = end == PhaseEnd::expired ? snap_start_timeout() : snap_start_error();
    invocation->fail({error.type, error.body, error.status});
  }
  invocation->finish({});
  shut_down(end == PhaseEnd::expired ? "TIMEOUT"
                                     : (end == PhaseEnd::stopped ? "SPINDOWN" : "FAILURE"));
}

}  // namespace postlude::emulator
