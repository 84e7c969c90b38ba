#pragma once

#include "common/clock.h"

#include <map>
#include <optional>
#include <string>

namespace postlude::extension {

/// Failures in a row after which a host is left alone.
inline constexpr int kMostFailuresInARow = 3;
/// It is asked again, by one call, when that has passed.
inline constexpr Millis kProbePause = std::chrono::seconds(30);

/// Which hosts of dead letters are worth a call. One that keeps failing would cost every invocation
/// the rest of its time, and every task its turn; what is meant for it is carried at once. Pure,
/// one thread.
class TargetHealth {
 public:
  enum class Verdict {
    call,
    leave,  ///< it failed again and again, and its next probe is not due
  };
  /// A verdict `call` for a failing host is its probe: others have to wait for kProbePause.
  [[nodiscard]] Verdict ask(const std::string& host, EpochTime now);

  /// Also where it refused: that says nothing of the host.
  void answered(const std::string& host) { failing_.erase(host); }
  /// It is left alone, but for its probes.
  [[nodiscard]] bool fails(const std::string& host) const;
  void failed(const std::string& host, std::string why, EpochTime now);

  /// "sqs.eu-west-1.amazonaws.com:443 failed 3 times in a row: no answer in time".
  [[nodiscard]] std::string describe(const std::string& host) const;

 private:
  struct Host {
    int failures = 0;                 ///< in a row
    std::string why;                  ///< of the last one
    std::optional<EpochTime> probed;  ///< since it is left alone: the last failure or probe
  };
  /// Hosts that answer have no entry. No more than there are targets of tasks.
  std::map<std::string, Host> failing_;
};

}  // namespace postlude::extension
