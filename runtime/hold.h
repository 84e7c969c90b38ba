#pragma once

#include "common/clock.h"
#include "runtime/extension_state.h"

#include <optional>

namespace postlude::runtime {

/// When may the runtime's `next` go up to the platform? Pure.
///
/// Two reasons to hold it: the first one closes extension registration (lambda-protocol.md 3.1), so
/// it waits for the extension, at most kRegistrationWait; and while an extension that is not
/// registered works on tasks, only the held `next` keeps the environment open (design.md 1). Where
/// the shim polls in the extension's stead, that poll does it.
class Hold {
 public:
  /// After this long the function goes on without a registered extension.
  static constexpr Millis kRegistrationWait = std::chrono::seconds(3);

  explicit Hold(EpochTime started) : registration_deadline_(started + kRegistrationWait) {}

  void extension_is(ExtensionState state);
  [[nodiscard]] ExtensionState extension() const { return extension_; }

  /// Tasks are at work in an invocation that is over, or on their way to a dead letter; `until`
  /// then at the latest.
  void work_pending(EpochTime until) { pending_until_ = until; }
  void work_settled() { pending_until_.reset(); }

  /// Nothing if the poll may go up now; otherwise the time until which it is held at most.
  [[nodiscard]] std::optional<EpochTime> held_until(EpochTime now) const;

  /// The first poll went up: registration is closed, nobody waits for it any more.
  void poll_went_up() { registration_open_ = false; }
  [[nodiscard]] bool registration_open() const { return registration_open_; }

 private:
  EpochTime registration_deadline_;
  ExtensionState extension_ = ExtensionState::starting;
  std::optional<EpochTime> pending_until_;
  bool registration_open_ = true;
};

}  // namespace postlude::runtime
