#pragma once

#include "common/clock.h"

#include <cstdint>
#include <optional>

namespace postlude::runtime {

/// Is the extension's process alive to us, while we wait for its word? Pure: time is passed in, and
/// whoever owns it sends the pings.
///
/// It hangs if it leaves two pings in a row without any word, both sent and timed out while our own
/// ticks were on time. A tick that comes late means that we stood still as well (a freeze, a
/// machine without another thread): nothing can be said of the time before, and counting starts
/// over. A process that has not connected cannot answer; it hangs after kStartPatience.
class Watchdog {
 public:
  static constexpr Millis kInterval = std::chrono::seconds(1);
  /// A tick that is later than this means a freeze.
  static constexpr Millis kLate{500};
  static constexpr int kMostMissed = 2;
  /// More than the time that the runtime's first poll waits for a registration, and so short that
  /// three such starts fall into the window of RestartPolicy.
  static constexpr Millis kStartPatience{4500};

  enum class Verdict { nothing, ping, hangs };

  /// A process was started: it is waited for.
  void started(EpochTime at);
  /// Its end of the link is open.
  void connected(EpochTime at);
  /// Something was sent that may wait for an answer. Ticks begin, unless they are under way.
  void watch(EpochTime at);
  /// Nothing is waited for any more, or there is no process.
  void rest();
  /// A message of it came: it lives.
  void heard();

  /// When tick() is to be called; nothing while nothing is waited for.
  [[nodiscard]] std::optional<EpochTime> due() const { return due_; }
  /// At `due()` or later. Sets the next one, unless it hangs.
  [[nodiscard]] Verdict tick(EpochTime at);

 private:
  void begin(EpochTime at);

  std::optional<EpochTime> due_;
  bool connected_ = false;
  EpochTime starting_since_;  ///< until it is connected; or the last thaw
  bool unanswered_ = false;   ///< a ping was sent, and no word came since
  int missed_ = 0;            ///< pings in a row that timed out
};

}  // namespace postlude::runtime
