#include "tests/emulator/freezer.h"

#include <utility>

namespace postlude::emulator {

Sandbox::Frozen Freezer::stop_locked() {
  if (!frozen_ && !held_) {
    stopped_at_ = std::chrono::steady_clock::now();
  }
  return sandbox_.freeze();
}

Freezer::Thawed Freezer::go_on_locked() {
  Thawed thawed;
  if (std::chrono::steady_clock::now() - stopped_at_ >= idle_limit_) {
    thawed.dropped = sandbox_.drop_connections();
  }
  thawed.processes = sandbox_.thaw();
  return thawed;
}

Sandbox::Frozen Freezer::freeze() {
  const std::lock_guard lock(mutex_);
  Sandbox::Frozen frozen = stop_locked();
  frozen_ = true;
  return frozen;
}

std::optional<Freezer::Thawed> Freezer::thaw() {
  const std::lock_guard lock(mutex_);
  if (!std::exchange(frozen_, false) || held_) {
    return std::nullopt;
  }
  return go_on_locked();
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
  Sandbox::Frozen frozen = stop_locked();
  held_ = true;
  return frozen;
}

std::optional<Freezer::Thawed> Freezer::release() {
  const std::lock_guard lock(mutex_);
  if (!std::exchange(held_, false) || frozen_) {
    return std::nullopt;
  }
  return go_on_locked();
}

}  // namespace postlude::emulator
