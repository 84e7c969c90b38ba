#include "tests/emulator/generation.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <sys/eventfd.h>

#include <algorithm>
#include <utility>

namespace postlude::emulator {

Generation::Generation(Monitor& monitor, Tags tags)
    : monitor_(monitor), tags_(tags), extensions_(tags.rules) {
  if (tags_.rules == ExtensionRules::managed) {
    managed_.emplace();
  }
}

Generation::Parked::Parked(Generation& generation)
    : generation_(generation), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  const std::lock_guard lock(generation_.monitor_.mutex);
  generation_.parked_.push_back(this);
}

Generation::Parked::~Parked() {
  const std::lock_guard lock(generation_.monitor_.mutex);
  std::erase(generation_.parked_, this);
}

void Generation::Parked::clear() {
  eventfd_t ignored = 0;
  ::eventfd_read(wake_.get(), &ignored);
}

void Generation::tell_locked() {
  monitor_.changed.notify_all();
  for (Parked* parked : parked_) {
    ::eventfd_write(parked->wake_.get(), 1);
  }
}

void Generation::fail_locked(GenerationFailure failure) {
  if (!failure_) {
    failure_ = std::move(failure);
  }
}

std::optional<Refusal> Generation::runtime_polls() {
  const std::lock_guard lock(monitor_.mutex);
  const bool redelivery = runtime_.phase() == RuntimePhase::running;
  auto refusal = runtime_.poll();
  if (!refusal) {
    extensions_.close();
    runtime_event_waits_ = runtime_event_waits_ || redelivery;
    runtime_polled_at_ = std::chrono::steady_clock::now();
    record_locked("runtimeNext", {{"redelivery", redelivery}});
    tell_locked();
  }
  return refusal;
}

std::optional<Refusal> Generation::runtime_polls_restore() {
  const std::lock_guard lock(monitor_.mutex);
  auto refusal = runtime_.restore_poll();
  if (!refusal) {
    extensions_.close();
    record_locked("restoreNext", nlohmann::json::object());
    tell_locked();
  }
  return refusal;
}

std::variant<NoEvent, PollsClosed, RuntimeEvent> Generation::take_runtime_event() {
  const std::lock_guard lock(monitor_.mutex);
  if (closed_) {
    return PollsClosed{};
  }
  const bool redelivery = runtime_.phase() == RuntimePhase::running;
  if (!runtime_event_waits_ || (runtime_.phase() != RuntimePhase::ready && !redelivery)) {
    return NoEvent{};
  }
  runtime_event_waits_ = false;
  if (!redelivery) {
    const InvocationRequest& request = current_.invocation->request();
    runtime_.deliver(
        {request.request_id,
         request.attempt_id.empty() ? std::nullopt : std::optional(request.attempt_id)});
  }
  record_locked("eventDelivered", {{"to", "runtime"}});
  return current_;
}

std::variant<NoEvent, PollsClosed, Restored> Generation::take_restored() {
  const std::lock_guard lock(monitor_.mutex);
  if (closed_) {
    return PollsClosed{};
  }
  if (!restored_ || runtime_.phase() != RuntimePhase::restore_ready) {
    return NoEvent{};
  }
  runtime_.restored();
  return Restored{};
}

void Generation::give_back_runtime_event() {
  const std::lock_guard lock(monitor_.mutex);
  runtime_.take_back();
  runtime_event_waits_ = runtime_.phase() == RuntimePhase::ready;
  record_locked("eventReturned", {{"to", "runtime"}});
  tell_locked();
}

std::variant<std::shared_ptr<Invocation>, Refusal> Generation::begin_answer(const AnswerIds& ids,
                                                                            RuntimePhase kind) {
  const std::lock_guard lock(monitor_.mutex);
  std::variant<std::shared_ptr<Invocation>, Refusal> begun = current_.invocation;
  if (managed_) {
    begun = managed_->begin_answer(ids, kind);
  } else if (auto refusal = runtime_.begin_answer(ids, kind)) {
    begun = std::move(*refusal);
  }
  if (std::holds_alternative<std::shared_ptr<Invocation>>(begun)) {
    runtime_event_waits_ = false;  // a repeated poll is not served any more
    record_locked("responseStart",
                  {{"kind", kind == RuntimePhase::responding ? "response" : "error"},
                   {"requestId", ids.request_id}});
  }
  return begun;
}

void Generation::answer_done(const std::string& request_id) {
  const std::lock_guard lock(monitor_.mutex);
  if (managed_) {
    managed_->answer_done(request_id);
  } else {
    runtime_.answer_done();
  }
  tell_locked();
}

std::optional<Refusal> Generation::runtime_init_error(GenerationFailure failure) {
  const std::lock_guard lock(monitor_.mutex);
  auto refusal = runtime_.init_error();
  if (!refusal) {
    record_locked("initError", {{"type", failure.type}});
    fail_locked(std::move(failure));
    tell_locked();
  }
  return refusal;
}

std::variant<Extension, Refusal> Generation::register_extension(const Registration& what) {
  const std::lock_guard lock(monitor_.mutex);
  auto registered = extensions_.register_extension(what);
  if (auto* refusal = std::get_if<Refusal>(&registered)) {
    return std::move(*refusal);
  }
  const Extension& extension = *std::get<const Extension*>(registered);
  record_locked("extensionRegistered",
                {{"extension", extension.name},
                 {"kind", extension.kind == ExtensionKind::internal ? "internal" : "external"},
                 {"events", subscription_text(extension.events)}});
  tell_locked();
  return extension;
}

std::variant<Extension, Refusal> Generation::extension_polls(const std::optional<std::string>& id) {
  const std::lock_guard lock(monitor_.mutex);
  auto polled = extensions_.poll(id);
  if (auto* refusal = std::get_if<Refusal>(&polled)) {
    return std::move(*refusal);
  }
  const Extension& extension = *std::get<const Extension*>(polled);
  extension_events_.erase(extension.id);
  record_locked("extensionNext", {{"extension", extension.name}});
  tell_locked();
  return extension;
}

std::variant<NoEvent, PollsClosed, std::string> Generation::take_extension_event(
    const std::string& id) {
  const std::lock_guard lock(monitor_.mutex);
  if (closed_) {
    return PollsClosed{};
  }
  auto found = extension_events_.find(id);
  if (const auto shutdown = shutdown_events_.find(id); shutdown != shutdown_events_.end()) {
    found = extension_events_.insert_or_assign(id, std::move(shutdown->second)).first;
    shutdown_events_.erase(shutdown);
  }
  if (found == extension_events_.end()) {
    return NoEvent{};
  }
  std::string event = std::move(found->second);
  extension_events_.erase(found);
  return event;
}

std::variant<Extension, Refusal> Generation::extension_error(const std::optional<std::string>& id,
                                                             GenerationFailure failure) {
  const std::lock_guard lock(monitor_.mutex);
  auto known = extensions_.identify(id);
  if (auto* refusal = std::get_if<Refusal>(&known)) {
    return std::move(*refusal);
  }
  const Extension& extension = *std::get<const Extension*>(known);
  record_locked("extensionError", {{"extension", extension.name}, {"type", failure.type}});
  fail_locked(std::move(failure));
  tell_locked();
  return extension;
}

std::variant<Extension, Refusal> Generation::telemetry_subscriber(
    const std::optional<std::string>& id) {
  const std::lock_guard lock(monitor_.mutex);
  auto known = extensions_.identify(id);
  if (auto* refusal = std::get_if<Refusal>(&known)) {
    return std::move(*refusal);
  }
  if (init_over_) {
    return telemetry_closed();
  }
  return *std::get<const Extension*>(known);
}

void Generation::extension_poll_gone(const Extension& extension) {
  const std::lock_guard lock(monitor_.mutex);
  // The identifier stays ready: what comes for it is consumed by the dead poll.
  record_locked("pollerGone", {{"of", extension.name}});
}

void Generation::process_exited(const std::string& who, ExitStatus status) {
  const std::lock_guard lock(monitor_.mutex);
  exits_[who] = status;
  record_locked("processExited", {{"process", who}, {"how", describe(status)}});
  if (who != kRuntimeProcess) {
    extensions_.exited(who);
  }
  if (!shutting_down_) {
    const bool plain = status.kind == ExitStatus::Kind::exited;
    if (who == kRuntimeProcess) {
      fail_locked({"Runtime.ExitError",
                   status.success() ? "Runtime exited without providing a reason"
                                    : "Runtime exited with error: " + describe(status),
                   {}});
    } else {
      fail_locked({"Extension.Crash",
                   plain ? fmt::format("exit code {}", status.number) : describe(status),
                   {}});
    }
  }
  tell_locked();
}

}  // namespace postlude::emulator
