#pragma once

#include "common/event_loop.h"
#include "common/log.h"
#include "common/platform_connection.h"
#include "runtime/poll_duty.h"

#include <cstdint>
#include <optional>
#include <string>

namespace postlude::runtime {

/// Polls the platform in the stead of an extension that died, when PollDuty says so. The
/// extension's identifier is all that the platform looks at (lambda-protocol.md 3.5). Runs on the
/// loop's thread.
class PollTakeover {
 public:
  /// `platform` is host:port.
  PollTakeover(EventLoop& loop, const std::string& platform, Log log)
      : loop_(loop), log_(log), connection_(loop, platform) {}
  PollTakeover(const PollTakeover&) = delete;
  PollTakeover& operator=(const PollTakeover&) = delete;
  ~PollTakeover() { forget_rescue(); }

  /// The extension has registered under this identifier.
  void registered(std::string identifier);
  void invocation_began(std::uint64_t sequence);
  void extension_released(std::uint64_t sequence) { duty_.extension_released(sequence); }
  void extension_died(EpochTime at);
  void nothing_held() { act(duty_.nothing_held()); }
  /// The environment is not to be released any more.
  void stop();

 private:
  void act(PollDuty::Verdict verdict);
  void ask();
  void watch_for_rescue();
  void forget_rescue();

  EventLoop& loop_;
  Log log_;
  PlatformConnection connection_;
  PollDuty duty_;
  std::string identifier_;
  std::optional<EventLoop::TimerId> rescue_;
  bool stopped_ = false;
};

}  // namespace postlude::runtime
