#pragma once

#include "tests/emulator/sandbox.h"

#include <cstddef>
#include <mutex>
#include <optional>

namespace postlude::emulator {

/// When the processes of one environment are stopped: between invocations by the platform, and for
/// as long as a test holds them, whatever the platform wants. They run when neither does.
/// Thread-safe; commands reach the sandbox one at a time.
class Freezer {
 public:
  explicit Freezer(Sandbox& sandbox) : sandbox_(sandbox) {}

  // The platform decides.

  [[nodiscard]] Sandbox::Frozen freeze();
  /// How many go on; nothing if the platform had not frozen them or a test holds them.
  std::optional<std::size_t> thaw();
  /// A process came up: it is stopped if a test holds the others.
  void started();
  /// The processes are gone, and every freeze with them.
  void ended();

  // A test decides.

  [[nodiscard]] Sandbox::Frozen hold();
  /// How many go on; nothing if nobody held them or the platform has frozen them.
  std::optional<std::size_t> release();

 private:
  Sandbox& sandbox_;
  std::mutex mutex_;
  bool frozen_ = false;
  bool held_ = false;
};

}  // namespace postlude::emulator
