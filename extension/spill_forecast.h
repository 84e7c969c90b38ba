#pragma once

#include "common/clock.h"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace postlude::extension {

/// When connections to dead letters are opened ahead: one margin before the work deadline, which is
/// deadline - 2 x margin, where work is still pending that may have to be spilled then. Every spill
/// is foreseen once. Pure, one thread.
class SpillForecast {
 public:
  /// Work that ends in its dead letter if it is not done in time.
  struct Candidate {
    std::string target;  ///< its dead letter's ARN
    EpochTime at;        ///< when that is to be foreseen
    EpochTime deadline;  ///< of the spill
  };

  /// When due() has something to say; nothing if never.
  [[nodiscard]] std::optional<EpochTime> next(const std::vector<Candidate>& candidates) const;

  struct Expected {
    std::size_t spills = 0;
    EpochTime deadline;  ///< of the last one
  };
  /// By target, what has to be expected from now on and was not told before.
  [[nodiscard]] std::map<std::string, Expected> due(const std::vector<Candidate>& candidates,
                                                    EpochTime now);

 private:
  EpochTime told_until_;
};

}  // namespace postlude::extension
