#include "runtime/watchdog.h"

#include <algorithm>

namespace postlude::runtime {

void Watchdog::started(EpochTime at) {
  connected_ = false;
  starting_since_ = at;
  begin(at);
}

void Watchdog::connected(EpochTime at) {
  connected_ = true;
  begin(at);
}

void Watchdog::watch(EpochTime at) {
  if (!due_) {
    begin(at);
  }
}

void Watchdog::rest() {
  due_.reset();
  heard();
}

void Watchdog::heard() {
  unanswered_ = false;
  missed_ = 0;
}

void Watchdog::begin(EpochTime at) {
  heard();
  due_ = at + kInterval;
}

Watchdog::Verdict Watchdog::tick(EpochTime at) {
  const bool late = !due_ || at - *due_ > kLate;
  if (late) {
    heard();
    starting_since_ = at;
  }
  if (!connected_) {
    if (at - starting_since_ >= kStartPatience) {
      rest();
      return Verdict::hangs;
    }
    due_ = std::min(at + kInterval, starting_since_ + kStartPatience);
    return Verdict::nothing;
  }
  if (unanswered_ && ++missed_ >= kMostMissed) {
    rest();
    return Verdict::hangs;
  }
  unanswered_ = true;
  due_ = at + kInterval;
  return Verdict::ping;
}

}  // namespace postlude::runtime
