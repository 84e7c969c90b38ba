#include "tests/emulator/freezer.h"

#include <utility>

namespace postlude::emulator {

Sandbox::Frozen Freezer::freeze() {
  const std::lock_guard lock(mutex_);
  frozen_ = true;
  return sandbox_.freeze();
}

std::optional<std::size_t> Freezer::thaw() {
  const std::lock_guard lock(mutex_);
  if (!std::exchange(frozen_, false) || held_) {
    return std::nullopt;
  }
  return sandbox_.thaw();
}

void Freezer::started() {
  const std::lock_guard lock(mutex_);
  if (held_) {
    static_cast<void>(sandbox_.freeze());
  }
}

void Freezer::ended() {
  const std::lock_guard lock(mutex_);
  frozen_ = false;
  if (std::exchange(held_, false)) {
    sandbox_.thaw();  // what left the process groups and lives on
  }
}

Sandbox::Frozen Freezer::hold() {
  const std::lock_guard lock(mutex_);
  held_ = true;
  return sandbox_.freeze();
}

std::optional<std::size_t> Freezer::release() {
  const std::lock_guard lock(mutex_);
  if (!std::exchange(held_, false) || frozen_) {
    return std::nullopt;
  }
  return sandbox_.thaw();
}

}  // namespace postlude::emulator
