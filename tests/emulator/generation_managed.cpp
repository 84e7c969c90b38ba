// The part of Generation that serves several invocations at once (Managed Instances).
#include "tests/emulator/error_types.h"
#include "tests/emulator/generation.h"

#include <nlohmann/json.hpp>

#include <utility>

namespace postlude::emulator {

ManagedInvocations::Worker Generation::worker_polls() {
  const std::lock_guard lock(monitor_.mutex);
  if (runtime_.phase() == RuntimePhase::started) {
    static_cast<void>(runtime_.poll());
    extensions_.close();
  }
  const auto worker = managed_->poll();
  record_locked("runtimeNext",
                {{"redelivery", false}, {"worker", worker}, {"idle", managed_->idle()}});
  tell_locked();
  return worker;
}

std::variant<NoEvent, PollsClosed, RuntimeEvent> Generation::take_worker_event(
    ManagedInvocations::Worker worker) {
  const std::lock_guard lock(monitor_.mutex);
  if (closed_) {
    return PollsClosed{};
  }
  auto event = managed_->take(worker);
  if (!event) {
    return NoEvent{};
  }
  record_locked("eventDelivered",
                {{"to", "runtime"},
                 {"worker", worker},
                 {"requestId", event->invocation->request().request_id}});
  return std::move(*event);
}

void Generation::worker_gone(ManagedInvocations::Worker worker,
                             const std::optional<RuntimeEvent>& lost) {
  const std::lock_guard lock(monitor_.mutex);
  auto event = managed_->gone(worker);
  if (lost) {
    event = lost;
  }
  record_locked("pollerGone", {{"of", "runtime"}, {"worker", worker}});
  if (event) {
    // The event cannot reach the runtime: the caller is told, nobody else gets it.
    const std::string& id = event->invocation->request().request_id;
    event->invocation->fail(
        {"Runtime.Unknown", platform_error_body("Runtime.Unknown", id, "Runtime.Unknown")});
    managed_->answer_done(id);
  }
  tell_locked();
}

Refusal Generation::refuse_late(const std::string& request_id) {
  const std::lock_guard lock(monitor_.mutex);
  return managed_->refuse_late(request_id);
}

ManagedInvocations::Offer Generation::offer_to_worker(const RuntimeEvent& event) {
  const std::lock_guard lock(monitor_.mutex);
  const auto offered = managed_->offer(event);
  tell_locked();
  return offered;
}

void Generation::expire(const std::string& request_id) {
  const std::lock_guard lock(monitor_.mutex);
  managed_->expire(request_id);
}

}  // namespace postlude::emulator
