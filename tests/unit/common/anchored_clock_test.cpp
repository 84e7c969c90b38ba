#include "common/anchored_clock.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <thread>
#include <vector>

namespace postlude {
using namespace std::chrono_literals;

namespace {

constexpr EpochTime kStart = EpochTime(1'700'000'000'000ms);

/// Both clocks of a machine that had been up for an hour when it was kStart.
AnchoredClock::Reading reading(Millis wall, Millis boot) {
  return {kStart.time_since_epoch() + wall, 1h + boot};
}

AnchoredClock::Reading after(Millis time) {
  return reading(time, time);
}

TEST_CASE("clocks that agree tell the time") {
  AnchoredClock clock(after(0ms));
  CHECK(clock.time(after(0ms)) == kStart);
  CHECK(clock.time(after(5s)) == kStart + 5s);
  clock.anchor(after(6s));
  CHECK(clock.time(after(7s)) == kStart + 7s);
}

TEST_CASE("a wall clock that is set back does not make the time go back or stand still") {
  AnchoredClock clock(after(0ms));
  CHECK(clock.time(reading(-1h + 2s, 2s)) == kStart + 2s);
  CHECK(clock.time(reading(-1h + 5s, 5s)) == kStart + 5s);
}

TEST_CASE("a wall clock that is set forth is believed, and stays so when it is set back") {
  AnchoredClock clock(after(0ms));
  CHECK(clock.time(reading(1h + 2s, 2s)) == kStart + 1h + 2s);
  CHECK(clock.time(reading(3s, 3s)) == kStart + 1h + 3s);
}

TEST_CASE("an anchor makes the wall clock right again, whichever way it was set") {
  for (const Millis jump : {Millis(1h), Millis(-1h), 1ms, -1ms}) {
    CAPTURE(jump.count());
    AnchoredClock clock(after(0ms));
    CHECK(clock.time(reading(jump + 2s, 2s)) == kStart + std::max(jump, Millis(0)) + 2s);
    clock.anchor(reading(jump + 3s, 3s));
    CHECK(clock.time(reading(jump + 4s, 4s)) == kStart + jump + 4s);
    clock.anchor(after(5s));
    CHECK(clock.time(after(6s)) == kStart + 6s);
  }
}

TEST_CASE("a freeze over which only one of the clocks went on counts in full") {
  AnchoredClock by_wall(after(0ms));
  CHECK(by_wall.time(reading(1h, 1ms)) == kStart + 1h);
  CHECK(by_wall.time(reading(1h + 1s, 1001ms)) == kStart + 1h + 1s);
  AnchoredClock by_boot(after(0ms));
  CHECK(by_boot.time(reading(1ms, 1h)) == kStart + 1h);
  CHECK(by_boot.time(reading(1001ms, 1h + 1s)) == kStart + 1h + 1s);
}

TEST_CASE("a thread that is stopped between the two readings takes that for no jump") {
  AnchoredClock clock(after(0ms));
  CHECK(clock.time(reading(1s, 3s)) == kStart + 3s);
  clock.anchor(reading(4s, 6s));
  CHECK(clock.time(after(7s)) == kStart + 7s);
}

TEST_CASE("for each of many threads that share it, time never goes back") {
  constexpr int kThreads = 4;
  constexpr int kReadings = 20'000;
  AnchoredClock clock(after(0ms));
  std::vector<int> backward(kThreads, 0);
  {
    std::vector<std::jthread> threads;
    threads.reserve(kThreads);
    for (int number = 0; number < kThreads; ++number) {
      threads.emplace_back([&clock, &count = backward[static_cast<std::size_t>(number)]] {
        EpochTime last = kStart;
        for (int step = 0; step < kReadings; ++step) {
          // The wall clock is set back and forth all the time.
          const EpochTime time = clock.time(reading(Millis(step + step % 7 * 100), Millis(step)));
          count += time < last ? 1 : 0;
          last = time;
        }
      });
    }
  }
  CHECK(std::count(backward.begin(), backward.end(), 0) == kThreads);
}

TEST_CASE("the clock of the process is the wall clock") {
  anchor_clock();
  const auto wall = [] {
    return std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now());
  };
  const EpochTime before = wall();
  const EpochTime read = now();
  // The clocks are read one after the other.
  CHECK(read >= before - 1ms);
  CHECK(read <= wall() + 1ms);
}

}  // namespace
}  // namespace postlude
