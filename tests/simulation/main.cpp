// simulate: runs schedules, each from its seed. `--seed N` tells one of them in full.
#include "tests/simulation/simulation.h"

#include <fmt/format.h>

#include <cstdlib>
#include <string_view>

int main(int argc, char** argv) {
  using postlude::simulation::Simulation;
  using postlude::simulation::Telling;
  const std::uint64_t first = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1;
  const std::uint64_t count = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  int bad = 0;
  std::uint64_t steps = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    Simulation simulation(seed, count == 1 ? Telling::everything : Telling::quiet);
    const std::string violation = simulation.run();
    steps += static_cast<std::uint64_t>(simulation.steps());
    if (!violation.empty()) {
      ++bad;
      fmt::print("seed {}: {}\n", seed, violation);
    }
  }
  fmt::print("{} schedules, {} steps, {} bad\n", count, steps, bad);
  return bad == 0 ? 0 : 1;
}
