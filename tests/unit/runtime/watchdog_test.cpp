#include "runtime/watchdog.h"

#include "runtime/restart_policy.h"

#include <doctest/doctest.h>

using namespace postlude;
using namespace postlude::runtime;
using Verdict = Watchdog::Verdict;

namespace {

constexpr EpochTime kStart{Millis(100000)};

Watchdog connected_watchdog() {
  Watchdog watchdog;
  watchdog.started(kStart);
  watchdog.connected(kStart);
  watchdog.rest();
  return watchdog;
}

/// Calls tick() `late` after it was due; when that was.
EpochTime tick(Watchdog& watchdog, Verdict expected, Millis late = Millis(0)) {
  REQUIRE(watchdog.due());
  const EpochTime at = *watchdog.due() + late;
  CHECK(watchdog.tick(at) == expected);
  return at;
}

}  // namespace

TEST_CASE("nothing is due while nothing is waited for") {
  Watchdog watchdog = connected_watchdog();
  CHECK_FALSE(watchdog.due());
  watchdog.watch(kStart);
  CHECK(watchdog.due() == kStart + Watchdog::kInterval);
  watchdog.rest();
  CHECK_FALSE(watchdog.due());
}

TEST_CASE("two pings in a row without any word mean that it hangs") {
  Watchdog watchdog = connected_watchdog();
  watchdog.watch(kStart);
  tick(watchdog, Verdict::ping);
  tick(watchdog, Verdict::ping);
  CHECK(tick(watchdog, Verdict::hangs) == kStart + 3 * Watchdog::kInterval);
  CHECK_FALSE(watchdog.due());
}

TEST_CASE("more that is sent meanwhile does not put the ticks off") {
  Watchdog watchdog = connected_watchdog();
  watchdog.watch(kStart);
  watchdog.watch(kStart + Millis(900));
  CHECK(watchdog.due() == kStart + Watchdog::kInterval);
}

TEST_CASE("a word in time keeps it alive for ever") {
  Watchdog watchdog = connected_watchdog();
  watchdog.watch(kStart);
  for (int ping = 0; ping < 100; ++ping) {
    tick(watchdog, Verdict::ping);
    watchdog.heard();
  }
}

TEST_CASE("a word between two missed pings starts the count over") {
  Watchdog watchdog = connected_watchdog();
  watchdog.watch(kStart);
  tick(watchdog, Verdict::ping);
  tick(watchdog, Verdict::ping);
  watchdog.heard();
  tick(watchdog, Verdict::ping);
  tick(watchdog, Verdict::ping);
  tick(watchdog, Verdict::hangs);
}

TEST_CASE("a tick that comes late means a freeze: what was missed before it does not count") {
  for (const Millis late : {Watchdog::kLate + Millis(1), Millis(3'600'000)}) {
    Watchdog watchdog = connected_watchdog();
    watchdog.watch(kStart);
    tick(watchdog, Verdict::ping);
    tick(watchdog, Verdict::ping);
    const EpochTime thaw = tick(watchdog, Verdict::ping, late);
    tick(watchdog, Verdict::ping);
    CHECK(tick(watchdog, Verdict::hangs) == thaw + 2 * Watchdog::kInterval);
  }
}

TEST_CASE("a tick that is a little late counts") {
  Watchdog watchdog = connected_watchdog();
  watchdog.watch(kStart);
  tick(watchdog, Verdict::ping, Watchdog::kLate);
  tick(watchdog, Verdict::ping, Watchdog::kLate);
  tick(watchdog, Verdict::hangs, Watchdog::kLate);
}

TEST_CASE("a process that is starting is not pinged, and has to connect in its time") {
  Watchdog watchdog;
  watchdog.started(kStart);
  for (int count = 0; count < Watchdog::kStartPatience / Watchdog::kInterval; ++count) {
    tick(watchdog, Verdict::nothing);
  }
  CHECK(tick(watchdog, Verdict::hangs) == kStart + Watchdog::kStartPatience);
}

TEST_CASE("a freeze gives a starting process its time again") {
  Watchdog watchdog;
  watchdog.started(kStart);
  tick(watchdog, Verdict::nothing);
  const EpochTime thaw = tick(watchdog, Verdict::nothing, Millis(60'000));
  EpochTime at = thaw;
  Verdict verdict = Verdict::nothing;
  for (int count = 0; count < 10 && verdict == Verdict::nothing; ++count) {
    at = watchdog.due().value();
    verdict = watchdog.tick(at);
  }
  CHECK(verdict == Verdict::hangs);
  CHECK(at == thaw + Watchdog::kStartPatience);
}

TEST_CASE("three starts in a row that come to nothing are the last ones") {
  RestartPolicy policy;
  CHECK(policy.died(kStart) == RestartPolicy::Verdict::restart);
  CHECK(policy.died(kStart + Watchdog::kStartPatience) == RestartPolicy::Verdict::restart);
  CHECK(policy.died(kStart + 2 * Watchdog::kStartPatience) == RestartPolicy::Verdict::give_up);
}
