#include "runtime/restart_policy.h"

namespace postlude::runtime {

RestartPolicy::Verdict RestartPolicy::died(EpochTime at) {
  deaths_.push_back(at);
  if (deaths_.size() < kMostDeaths) {
    return Verdict::restart;
  }
  if (at - deaths_.front() <= kWindow) {
    return Verdict::give_up;
  }
  deaths_.pop_front();
  return Verdict::restart;
}

}  // namespace postlude::runtime
