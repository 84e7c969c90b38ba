#include "extension/spills.h"

#include "extension/attempt_job.h"
#include "extension/send_request.h"

#include <utility>

namespace postlude::extension {
namespace {

/// A burst at the end of an environment has about 400 ms; one call of a service in the same region
/// takes 5 to 20 ms on a connection that stands.
constexpr std::size_t kMostThreads = 16;

/// "host:port" of the service that is called for this dead letter; empty where there is none.
std::string host_of(const TaskRecord& record, const AwsEndpoints& endpoints) {
  const auto target = parse_target_arn(record.task.dead_letter.value());
  if (!target) {
    return {};
  }
  const auto request = send_request(*target,
                                    {.task_id = record.id,
                                     .task_name = record.task.name,
                                     .trace_id = {},
                                     .body = "null",
                                     .at = record.deadline},
                                    endpoints);
  return request ? request->http.url.endpoint() : std::string();
}

}  // namespace

Spills::Spills(EventLoop& loop, TaskServices& services, Ended ended)
    : services_(services), ended_(std::move(ended)), workers_(loop, kMostThreads) {}

Spills::~Spills() {
  for (const auto& [number, spill] : running_) {
    spill.call->stop();
  }
}

void Spills::start(const SpillTask& step, AttemptInput input) {
  const std::uint64_t number = step.name.number;
  std::string host = host_of(input.record, services_.endpoints);
  if (!host.empty() && health_.ask(host, now()) == TargetHealth::Verdict::leave) {
    ended_(number, health_.describe(host));
    return;
  }
  Running& spill = running_[number];
  spill = {++last_serial_, std::move(host), std::make_shared<HttpCall>()};
  workers_.submit([this,
                   number,
                   step,
                   serial = spill.serial,
                   call = spill.call,
                   shared =
                       std::make_shared<AttemptInput>(std::move(input))]() -> Workers::Completion {
    AttemptResult result = run_spill(*shared, step, services_, *call);
    return
        [this, number, serial, result = std::move(result)] { job_ended(number, serial, result); };
  });
}

void Spills::job_ended(std::uint64_t number, std::uint64_t serial, const AttemptResult& result) {
  const auto found = running_.find(number);
  if (found == running_.end() || found->second.serial != serial) {
    return;
  }
  const std::string host = std::move(found->second.host);
  running_.erase(found);
  const bool answered =
      result.kind == AttemptResult::Kind::success || result.kind == AttemptResult::Kind::refused;
  std::string trouble = result.why;
  if (result.kind != AttemptResult::Kind::success && trouble.empty()) {
    trouble.assign("stopped");
  }
  if (answered) {
    health_.answered(host);
  } else {
    health_.failed(host, trouble, now());
  }
  ended_(number, trouble);
}

void Spills::stop(std::uint64_t number) {
  const auto found = running_.find(number);
  if (found == running_.end()) {
    return;
  }
  found->second.call->stop();
  health_.failed(found->second.host, "no answer in time", now());
  running_.erase(found);
}

}  // namespace postlude::extension
