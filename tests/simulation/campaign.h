#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace postlude::simulation {

/// Many schedules, seed after seed, on some processors.
struct Campaign {
  std::uint64_t first = 1;
  std::uint64_t seeds = 1000;
  unsigned jobs = 1;
  unsigned most_failures = 10;  ///< of each job; then it ends
};

/// Prints each seed whose schedule breaks a claim, or the process that runs it, and how to see it
/// again; then what was done, and how fast. True: every claim held.
[[nodiscard]] bool run_campaign(const Campaign& campaign);

/// One schedule, told step by step.
[[nodiscard]] bool replay(std::uint64_t seed);

}  // namespace postlude::simulation
