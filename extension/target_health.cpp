#include "extension/target_health.h"

#include <fmt/format.h>

#include <utility>

namespace postlude::extension {

TargetHealth::Verdict TargetHealth::ask(const std::string& host, EpochTime now) {
  if (!fails(host)) {
    return Verdict::call;
  }
  Host& failing = failing_[host];
  // A clock that was put back must not keep a host out for longer.
  if (failing.probed && now >= *failing.probed && now < *failing.probed + kProbePause) {
    return Verdict::leave;
  }
  failing.probed = now;
  return Verdict::call;
}

bool TargetHealth::fails(const std::string& host) const {
  const auto found = failing_.find(host);
  return found != failing_.end() && found->second.failures >= kMostFailuresInARow;
}

void TargetHealth::failed(const std::string& host, std::string why, EpochTime now) {
  Host& failing = failing_[host];
  failing.why = std::move(why);
  if (++failing.failures == kMostFailuresInARow) {
    failing.probed = now;
  }
}

std::string TargetHealth::describe(const std::string& host) const {
  const auto found = failing_.find(host);
  if (found == failing_.end()) {
    return fmt::format("{} did not fail", host);
  }
  return fmt::format(
      "{} failed {} times in a row: {}", host, found->second.failures, found->second.why);
}

}  // namespace postlude::extension
