#pragma once

#include "tests/emulator/sandbox.h"

#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>

namespace postlude::emulator {

/// When the processes of one environment are stopped: between invocations by the platform, and for
/// as long as a test holds them, whatever the platform wants. They run when neither does. Who was
/// stopped for long has lost its connections to the outside, idle as they were.
/// Thread-safe; commands reach the sandbox one at a time.
class Freezer {
 public:
  /// `idle_limit`: how long connections to the outside survive.
  Freezer(Sandbox& sandbox, std::chrono::milliseconds idle_limit)
      : sandbox_(sandbox), idle_limit_(idle_limit) {}

  struct Thawed {
    std::size_t processes = 0;
    std::optional<DroppedConnections> dropped;  ///< they were stopped for too long
  };

  // The platform decides.

  [[nodiscard]] Sandbox::Frozen freeze();
  /// Nothing if the platform had not frozen them or a test holds them.
  std::optional<Thawed> thaw();
  /// A process came up: it is stopped if a test holds the others.
  void started();
  /// The processes are gone, and every freeze with them.
  void ended();

  // A test decides.

  [[nodiscard]] Sandbox::Frozen hold();
  /// Nothing if nobody held them or the platform has frozen them.
  std::optional<Thawed> release();

 private:
  [[nodiscard]] Sandbox::Frozen stop_locked();
  [[nodiscard]] Thawed go_on_locked();

  Sandbox& sandbox_;
  const std::chrono::milliseconds idle_limit_;
  std::mutex mutex_;
  std::chrono::steady_clock::time_point stopped_at_;
  bool frozen_ = false;
  bool held_ = false;
};

}  // namespace postlude::emulator
