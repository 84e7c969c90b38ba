#pragma once

#include "common/event_loop.h"
#include "common/log.h"
#include "common/platform_connection.h"

#include <cstdint>
#include <string>

namespace postlude::runtime {

/// Polls the platform for an extension that died after it was registered: without a poll of its
/// identifier every invocation would run to its timeout (lambda-protocol.md 3.7). The identifier is
/// all that the platform looks at (3.5).
///
/// A parked poll cannot be repeated, and the one that the dead process left parked is used up by
/// the next invocation. So the shim asks when an invocation is over whose event came since the last
/// poll, never before. A refused poll is tried again after the next invocation.
class PollTakeover {
 public:
  /// `platform` is host:port.
  PollTakeover(EventLoop& loop, const std::string& platform, Log log)
      : log_(log), connection_(loop, platform) {}

  /// The extension has registered under this identifier, and parks its first poll.
  void identified(std::string identifier) {
    identifier_ = std::move(identifier);
    parked_ = true;
  }

  /// An event was delivered: every parked poll of ours has got its INVOKE.
  void invocation_began(std::uint64_t sequence) {
    latest_ = sequence;
    parked_ = false;
  }
  /// The extension released that invocation: it asked for the next event. Its word may come later
  /// than that event, which then used the poll up.
  void extension_released(std::uint64_t sequence) { parked_ = parked_ || sequence == latest_; }
  /// Nothing holds the environment any more. Polls, if the extension no longer does.
  void invocation_over();
  /// From here on it is ours to poll.
  void extension_died() { ours_ = !identifier_.empty(); }

 private:
  void ask();

  Log log_;
  PlatformConnection connection_;
  std::string identifier_;
  std::uint64_t latest_ = 0;  ///< sequence number of the invocation that began last
  bool ours_ = false;
  bool parked_ = false;   ///< as the platform sees it
  bool waiting_ = false;  ///< our connection waits for an answer
  bool ask_again_ = false;
};

}  // namespace postlude::runtime
