#pragma once

#include "common/clock.h"

#include <deque>

namespace postlude::runtime {

/// Is an extension that died started again (contract.md 8)? At once, until it has died kMostDeaths
/// times within kWindow: then never again in this environment. Pure.
class RestartPolicy {
 public:
  static constexpr std::size_t kMostDeaths = 3;
  static constexpr Millis kWindow = std::chrono::seconds(10);

  enum class Verdict { restart, give_up };

  /// Once a death. A freeze counts as time that passed, as does everything on the wall clock.
  [[nodiscard]] Verdict died(EpochTime at);

 private:
  std::deque<EpochTime> deaths_;  ///< the last ones, at most kMostDeaths
};

}  // namespace postlude::runtime
