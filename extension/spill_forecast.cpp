#include "extension/spill_forecast.h"

#include <algorithm>

namespace postlude::extension {

std::optional<EpochTime> SpillForecast::next(const std::vector<Candidate>& candidates) const {
  std::optional<EpochTime> first;
  for (const Candidate& candidate : candidates) {
    if (candidate.at > told_until_) {
      first = std::min(first.value_or(candidate.at), candidate.at);
    }
  }
  return first;
}

std::map<std::string, SpillForecast::Expected> SpillForecast::due(
    const std::vector<Candidate>& candidates, EpochTime now) {
  std::map<std::string, Expected> expected;
  for (const Candidate& candidate : candidates) {
    if (candidate.at > told_until_ && candidate.at <= now && candidate.deadline > now) {
      Expected& entry = expected[candidate.target];
      ++entry.spills;
      entry.deadline = std::max(entry.deadline, candidate.deadline);
    }
  }
  told_until_ = now;
  return expected;
}

}  // namespace postlude::extension
