// simulate: seeded schedules of crashes, freezes, timeouts, full disks and late messages over the
// real code of both processes. `make simulate` runs it; tests/README.md says how to use it.
#include "tests/simulation/campaign.h"

#include <CLI/CLI.hpp>

#include <optional>
#include <thread>

// NOLINTNEXTLINE(bugprone-exception-escape): an exception here ends the program, as it should
int main(int argc, char** argv) {
  using postlude::simulation::Campaign;
  Campaign campaign{.jobs = std::max(1U, std::thread::hardware_concurrency())};
  std::optional<std::uint64_t> seed;
  CLI::App options("Simulates Postlude on a simulated Lambda, from seeds.");
  options.add_option("--seeds", campaign.seeds, "so many schedules")->capture_default_str();
  options.add_option("--first", campaign.first, "from this seed on")->capture_default_str();
  options.add_option("--jobs", campaign.jobs, "on so many processors")->capture_default_str();
  options.add_option("--failures", campaign.most_failures, "of a job, at most")
      ->capture_default_str();
  options.add_option("--seed", seed, "only this one, told step by step");
  CLI11_PARSE(options, argc, argv);
  const bool held =
      seed ? postlude::simulation::replay(*seed) : postlude::simulation::run_campaign(campaign);
  return held ? 0 : 1;
}
