#include "runtime/hold.h"

namespace postlude::runtime {

void Hold::extension_is(ExtensionState state) {
  extension_ = state;
  if (state == ExtensionState::unavailable) {
    pending_until_.reset();
  }
}

std::optional<EpochTime> Hold::held_until(EpochTime now) const {
  if (registration_open_ && extension_ == ExtensionState::starting &&
      now < registration_deadline_) {
    return registration_deadline_;
  }
  const bool held_by_poll =
      extension_ == ExtensionState::registered || extension_ == ExtensionState::taken_over;
  if (!held_by_poll && pending_until_ && now < *pending_until_) {
    return pending_until_;
  }
  return std::nullopt;
}

}  // namespace postlude::runtime
