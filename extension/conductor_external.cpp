// The external flavour: the platform started this process before the runtime, and waits for its
// polls until the environment ends. The shim comes later, or never; it may go earlier. Whoever has
// none lets every invocation go at once: the platform must never wait for an extension that nobody
// uses.
#include "common/environment_file.h"
#include "common/process_tree.h"
#include "extension/conductor.h"

#include <fmt/format.h>

#include <unistd.h>

#include <string_view>
#include <utility>

namespace postlude::extension {
namespace {

/// From the end of a process's connections to the moment its parent knows of its death.
constexpr Millis kDeathGetsAbout{100};

constexpr std::string_view kRuntimeApi = "AWS_LAMBDA_RUNTIME_API";

/// Machines with more than one environment are those of developers: there, a shim that finds no
/// extension of its own may come to another's. Behind another proxy a shim has another address than
/// we have, but whoever started us has started it. Who cannot be looked at is let in.
bool in_our_environment(pid_t shim, std::string_view runtime_api) {
  const pid_t platform = ::getppid();
  return shim == 0 || platform == 0 || initial_variable(shim, kRuntimeApi) == runtime_api ||
         descends_from(shim, platform).value_or(true);
}

}  // namespace

Conductor::Conductor(PacketListener door, Signals signals, Environment environment)
    : Conductor(std::move(signals), std::move(environment)) {
  external_.emplace(External{.door = std::move(door),
                             .door_slot = {},
                             .role = external_role(environment_),
                             .word = {},
                             .shim_came = false,
                             .shut_down = false});
  open_door();
  static_cast<void>(loop_.add(signals_.fd(), POLLIN, [this](short /*revents*/) { on_signal(); }));
  speak_to_platform(std::string(environment_.get_or(kRuntimeApi, {})));
  platform_->register_as(kExternalName, external_->role.events);
}

void Conductor::open_door() {
  external_->door_slot =
      loop_.add(external_->door->fd(), POLLIN, [this](short /*revents*/) { answer_door(); });
}

/// One shim: it starts before anything of the function, and nobody comes after it.
void Conductor::answer_door() {
  const std::string_view runtime_api = environment_.get_or(kRuntimeApi, {});
  while (!external_->shim_came) {
    auto shim = external_->door->accept();
    if (!shim || !*shim) {
      if (!shim) {
        log_.warn(shim.error().message);
      }
      return;
    }
    if (const pid_t peer = (*shim)->peer(); !in_our_environment(peer, runtime_api)) {
      log_.warn(fmt::format("a shim of another environment is turned away: process {}", peer));
      continue;
    }
    external_->shim_came = true;
    loop_.remove(*std::exchange(external_->door_slot, {}));
    external_->door.reset();  // no other environment's shim shall take us for its own
    shim_.attach(std::move(**shim));
  }
}

/// What the platform keeps from external extensions came along with hello: tasks see the function's
/// environment, whoever runs them.
void Conductor::take_environment() {
  const std::vector<UniqueFd> files = shim_.take_files();
  if (files.empty()) {
    return;
  }
  auto environment = environment_from_file(files.front().get());
  if (environment) {
    environment_ = std::move(*environment);
  } else {
    log_.error(environment.error().message + "; tasks run in that of the extension");
  }
}

/// Without our registration the environment cannot start: its init would wait in vain.
void Conductor::external_registered(Registered registered) {
  if (!registered.accepted) {
    outcome_ = fail("the platform refused the external extension: " + registered.reason);
    loop_.stop();
    return;
  }
  const std::string& driven_because = external_->role.driven_because;
  if (driven_because.empty()) {
    ask_platform(release_.registered());
  } else {
    registered.accepted = false;
    registered.reason = driven_because;
    platform_->ask_next();  // it parks, until SHUTDOWN if we may see that
  }
  registered.hears_shutdown = external_->role.events != Subscription::none;
  external_->word = std::move(registered);
  if (session_) {
    shim_.send(*external_->word);
  }
}

/// True if the event is dealt with.
bool Conductor::external_event(const PlatformEvent& event) {
  if (event.kind == PlatformEvent::Kind::shutdown) {
    shut_down_by_platform(event);
    return true;
  }
  if (!shim_.open()) {
    // It may stand at the door; it was there before the runtime's first poll, and so before this.
    answer_door();
  }
  if (!shim_.open()) {
    release_without_shim();
    return true;
  }
  return false;
}

void Conductor::shut_down_by_platform(const PlatformEvent& event) {
  external_->shut_down = true;
  if (!session_) {
    loop_.stop();
    return;
  }
  told_empty_ = false;
  const auto aftermath = starts_over(event.shutdown_reason) ? Schedule::Aftermath::next_generation
                                                            : Schedule::Aftermath::nothing;
  apply(session_->schedule.shut_down(now(), work_until(event, now()), aftermath));
}

/// A shim that served is the runtime to the platform: its death is part of the invocation, which a
/// poll of ours could end as a success if it came first. Afterwards we are to poll for SHUTDOWN.
void Conductor::shim_ended() {
  if (session_) {
    loop_.at(now() + kDeathGetsAbout, [this] { release_without_shim(); });
  } else {
    release_without_shim();
  }
}

/// The platform learns by itself that a shim has ended, which is the runtime to it; one that
/// stepped aside for the runtime left a function that works without us. In both cases we are to
/// poll: for SHUTDOWN, or to let go.
void Conductor::release_without_shim() {
  if (external_->word && !platform_->asking()) {
    platform_->ask_next();
  }
}

}  // namespace postlude::extension
