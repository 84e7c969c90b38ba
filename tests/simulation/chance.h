#pragma once

#include "common/clock.h"

#include <cstdint>
#include <utility>

namespace postlude::simulation {

/// All that a schedule leaves to chance, drawn from its seed: the same seed gives the same numbers
/// on every machine (the distributions of the standard library do not promise that). SplitMix64.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t value = state_;
    value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ (value >> 27U)) * 0x94d049bb133111ebULL;
    return value ^ (value >> 31U);
  }

  /// In [0, bound); 0 for a bound of 0.
  std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : next() % bound; }
  /// In [least, most].
  int between(int least, int most) {
    return least + static_cast<int>(below(static_cast<std::uint64_t>(most - least) + 1));
  }
  Millis between(Millis least, Millis most) {
    return least + Millis(below(static_cast<std::uint64_t>((most - least).count()) + 1));
  }
  bool percent(int chance) { return below(100) < static_cast<std::uint64_t>(chance); }

  template <class List>
  auto& pick(List& list) {
    return list[below(std::size(list))];
  }

  /// A generator of its own, so that what is drawn here does not shift what is drawn there.
  Chance split() { return Chance(next()); }

 private:
  std::uint64_t state_;
};

}  // namespace postlude::simulation
