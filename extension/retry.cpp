#include "extension/retry.h"

#include <algorithm>
#include <cmath>

namespace postlude::extension {

Millis retry_wait(Millis backoff, int failed_attempts, double random) {
  Millis longest = std::clamp(backoff, Millis::zero(), kLongestBackoff);
  for (int doubled = 1; doubled < failed_attempts && longest < kLongestBackoff; ++doubled) {
    if (longest == Millis::zero()) {
      break;
    }
    longest = std::min(longest * 2, kLongestBackoff);
  }
  const double wait = std::floor(static_cast<double>(longest.count()) * random);
  return Millis(static_cast<Millis::rep>(wait));
}

bool worth_holding(Millis wait, Millis time_left) {
  return wait <= kLongestHeldWait && wait < time_left;
}

}  // namespace postlude::extension
