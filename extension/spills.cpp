#include "extension/spills.h"

#include "extension/attempt_job.h"
#include "extension/send_request.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace postlude::extension {
namespace {

/// A burst at the end of an environment has about 400 ms; one call of a service in the same region
/// takes 5 to 20 ms on a connection that stands.
constexpr std::size_t kMostThreads = 20;

/// Opened ahead for a target. More spills than that share them, one after the other.
constexpr std::size_t kMostOpened = 4;

/// Where the service is called for this dead letter; nothing where it makes no sense.
std::optional<Url> url_of(std::string_view target, const AwsEndpoints& endpoints) {
  const auto arn = parse_target_arn(target);
  if (!arn) {
    return std::nullopt;
  }
  auto request = send_request(
      *arn,
      {.task_id = "id", .task_name = "name", .trace_id = {}, .body = "null", .at = EpochTime()},
      endpoints);
  return request ? std::optional(std::move(request->http.url)) : std::nullopt;
}

}  // namespace

Spills::Spills(EventLoop& loop, TaskServices& services, Ended ended)
    : services_(services), ended_(std::move(ended)), workers_(loop, kMostThreads) {}

Spills::~Spills() {
  rest();
  services_.connections.close_all();
  for (const auto& [number, spill] : running_) {
    spill.call->stop();
  }
}

void Spills::start(const SpillTask& step, AttemptInput input) {
  const std::uint64_t number = step.name.number;
  const auto url = url_of(input.record.task.dead_letter.value(), services_.endpoints);
  std::string host = url ? url->endpoint() : std::string();
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

void Spills::expect(const std::string& target, const SpillForecast::Expected& expected) {
  const auto url = url_of(target, services_.endpoints);
  if (!url || health_.fails(url->endpoint())) {
    return;
  }
  std::erase_if(opening_, [](const auto& opening) { return opening.expired(); });
  for (std::size_t count = 0; count < std::min(expected.spills, kMostOpened); ++count) {
    auto call = std::make_shared<HttpCall>();
    opening_.push_back(call);
    workers_.submit(
        [this, url = *url, call, deadline = expected.deadline]() -> Workers::Completion {
          prepare_call(services_, url, deadline, *call);
          return [] {};
        });
  }
}

void Spills::rest() {
  for (const auto& opening : std::exchange(opening_, {})) {
    if (const auto call = opening.lock()) {
      call->stop();
    }
  }
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
