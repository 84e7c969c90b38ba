#include "tests/emulator/bandwidth.h"

#include <algorithm>

namespace postlude::emulator {

std::size_t Bandwidth::take(std::size_t wanted, Clock::time_point now) {
  const auto refills = (now - refilled_) / kRefill;
  if (refills > 0) {
    refilled_ += refills * kRefill;
    const auto enough =
        static_cast<std::size_t>(std::min<std::int64_t>(refills, kBurst / kPerRefill));
    tokens_ = std::min(kBurst, tokens_ + enough * kPerRefill);
  }
  const std::size_t granted = std::min(wanted, tokens_);
  tokens_ -= granted;
  return granted;
}

}  // namespace postlude::emulator
