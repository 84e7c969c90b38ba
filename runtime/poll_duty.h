#pragma once

#include "common/clock.h"

#include <cstdint>
#include <optional>

namespace postlude::runtime {

/// When the shim has to poll the platform for an extension that died after it was registered:
/// without a poll of its identifier every invocation would run to its timeout
/// (lambda-protocol.md 3.7). Pure; PollTakeover does it.
///
/// A parked poll cannot be repeated, and one that the dead process left parked is used up by the
/// next invocation. So the shim asks when an invocation is over whose event came since the last
/// poll, never before. The extension says that it released an invocation before it asks: where it
/// died in between nobody asked. So where it dies while its poll should be parked, the shim asks
/// once if no event comes for kRescueAfter of running time; the platform refuses that poll where
/// one is parked, and nothing is lost.
///
/// Any other refusal is followed by one more try after the next invocation, then by none.
class PollDuty {
 public:
  static constexpr Millis kRescueAfter = std::chrono::seconds(1);
  /// A timer that is later than this means a freeze; the time before it does not count.
  static constexpr Millis kLate{500};

  enum class Verdict { nothing, ask };

  /// The extension is registered, and parks its first poll.
  void registered();
  /// An event was delivered: every parked poll of ours has got its INVOKE.
  void invocation_began(std::uint64_t sequence);
  /// The extension released that invocation: it asks for the next event. Its word may come later
  /// than that event, which then used the poll up.
  void extension_released(std::uint64_t sequence);
  /// From here on it is the shim that asks, also for the successors.
  void extension_died(EpochTime at);
  /// Nothing holds the environment any more.
  [[nodiscard]] Verdict nothing_held();

  /// When rescue() is to be called.
  [[nodiscard]] std::optional<EpochTime> rescue_due() const { return rescue_due_; }
  [[nodiscard]] Verdict rescue(EpochTime at);

  /// What became of the poll asked for last.
  [[nodiscard]] Verdict answered();
  [[nodiscard]] Verdict refused();
  /// It was asked for without knowing whether one is parked already.
  [[nodiscard]] bool rescuing() const { return rescuing_; }
  [[nodiscard]] bool given_up() const { return refusals_ >= kMostRefusals; }

 private:
  static constexpr int kMostRefusals = 2;

  [[nodiscard]] Verdict ask();
  [[nodiscard]] Verdict ask_again();

  std::uint64_t latest_ = 0;  ///< sequence number of the invocation that began last
  bool registered_ = false;
  bool ours_ = false;
  bool parked_ = false;   ///< as the platform should see it
  bool waiting_ = false;  ///< our poll has no answer yet
  bool rescuing_ = false;
  bool ask_again_ = false;  ///< once it has one
  int refusals_ = 0;        ///< in a row
  std::optional<EpochTime> rescue_due_;
};

}  // namespace postlude::runtime
