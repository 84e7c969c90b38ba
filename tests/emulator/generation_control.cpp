// The half of Generation that the environment's own thread uses.
#include "common/json_text.h"
#include "tests/emulator/generation.h"

#include <nlohmann/json.hpp>

#include <utility>

namespace postlude::emulator {

void Generation::launched(const std::string& extension) {
  const std::lock_guard lock(monitor_.mutex);
  extensions_.launched(extension);
}

void Generation::cannot_start(GenerationFailure failure) {
  const std::lock_guard lock(monitor_.mutex);
  fail_locked(std::move(failure));
  tell_locked();
}

std::string Generation::invoke_event_locked() const {
  const InvocationRequest& request = current_.invocation->request();
  return dump_json({{"eventType", "INVOKE"},
                    {"deadlineMs", current_.deadline_ms},
                    {"requestId", request.request_id},
                    {"invokedFunctionArn", request.function_arn},
                    {"tracing", {{"type", "X-Amzn-Trace-Id"}, {"value", request.trace_id}}}});
}

void Generation::end_init() {
  const std::lock_guard lock(monitor_.mutex);
  init_over_ = true;
}

void Generation::offer(RuntimeEvent event) {
  const std::lock_guard lock(monitor_.mutex);
  current_ = std::move(event);
  const std::string text = invoke_event_locked();
  for (const Extension& extension : extensions_.all()) {
    if (extension.wants_invoke() && extension.phase == ExtensionPhase::ready) {
      extension_events_[extension.id] = text;
    }
  }
  extensions_.invoke_begun();
  runtime_event_waits_ = true;
  tell_locked();
}

void Generation::restore() {
  const std::lock_guard lock(monitor_.mutex);
  restored_ = true;
  tell_locked();
}

void Generation::forget_invocation() {
  const std::lock_guard lock(monitor_.mutex);
  runtime_.forget_invocation();
  runtime_event_waits_ = false;
}

void Generation::begin_shutdown() {
  const std::lock_guard lock(monitor_.mutex);
  shutting_down_ = true;
  runtime_event_waits_ = false;
}

void Generation::send_shutdown(const std::string& extension_id,
                               std::int64_t deadline_ms,
                               const std::string& reason) {
  const std::lock_guard lock(monitor_.mutex);
  shutdown_events_[extension_id] = dump_json(
      {{"eventType", "SHUTDOWN"}, {"deadlineMs", deadline_ms}, {"shutdownReason", reason}});
  extensions_.shutdown_begun(extension_id);
  tell_locked();
}

void Generation::close() {
  const std::lock_guard lock(monitor_.mutex);
  closed_ = true;
  tell_locked();
}

bool Generation::locked_externals_registered() const {
  return extensions_.all_launched_registered();
}

bool Generation::locked_running(const std::string& request_id) const {
  return managed_ && managed_->running(request_id);
}

bool Generation::locked_runtime_ready() const {
  return runtime_.phase() == RuntimePhase::ready || locked_restore_ready();
}

bool Generation::locked_init_done() const {
  return runtime_.phase() == RuntimePhase::ready && extensions_.all_ready();
}

bool Generation::locked_restore_ready() const {
  return runtime_.phase() == RuntimePhase::restore_ready;
}

bool Generation::locked_runtime_done() const {
  return runtime_.phase() == RuntimePhase::ready && !runtime_event_waits_;
}

bool Generation::locked_invoke_done() const {
  return locked_runtime_done() && extensions_.invoke_done();
}

std::vector<Extension> Generation::extensions() const {
  const std::lock_guard lock(monitor_.mutex);
  return {extensions_.all().begin(), extensions_.all().end()};
}

bool Generation::has_extensions(ExtensionKind kind) const {
  const std::lock_guard lock(monitor_.mutex);
  return extensions_.any(kind);
}

std::chrono::steady_clock::time_point Generation::runtime_polled_at() const {
  const std::lock_guard lock(monitor_.mutex);
  return runtime_polled_at_;
}

void Generation::record_locked(std::string_view event, const nlohmann::json& members) const {
  nlohmann::json all = {{"environment", tags_.environment}, {"generation", tags_.number}};
  if (current_.invocation) {
    all["requestId"] = current_.invocation->request().request_id;
  }
  if (members.is_object()) {
    all.update(members);
  }
  tags_.journal->record(event, all);
}

void Generation::record(std::string_view event, const nlohmann::json& members) const {
  const std::lock_guard lock(monitor_.mutex);
  record_locked(event, members);
}

}  // namespace postlude::emulator
