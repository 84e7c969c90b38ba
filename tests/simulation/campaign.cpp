#include "tests/simulation/campaign.h"

#include "tests/simulation/simulation.h"

#include <fmt/format.h>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <span>

namespace postlude::simulation {
namespace {

/// A schedule takes a millisecond, under a sanitizer some twenty.
constexpr unsigned kMostSecondsASchedule = 60;

constexpr std::array<const char*, 5> kEnds = {"done", "failed", "spilled", "expired", "dropped"};

/// What a job tells its parent, also if it dies.
struct Progress {
  std::atomic<std::uint64_t> seed{0};
  std::atomic<std::uint64_t> schedules{0};
  std::atomic<std::uint64_t> failures{0};
  std::atomic<std::uint64_t> steps{0};
  std::atomic<std::uint64_t> invocations{0};
  std::atomic<std::uint64_t> generations{0};
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> held{0};
  std::atomic<std::uint64_t> excused{0};
  std::array<std::atomic<std::uint64_t>, kEnds.size()> ended{};
};

/// Shared with children.
std::span<Progress> shared_progress(unsigned jobs) {
  void* const memory = ::mmap(nullptr,
                              jobs * sizeof(Progress),
                              PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS,
                              // cppcheck-suppress invalidFunctionArg
                              -1,
                              0);
  if (memory == MAP_FAILED) {
    std::abort();
  }
  return {new (memory) Progress[jobs], jobs};
}

void note(const Simulation& simulation, Progress& progress) {
  const Ledger::Counts counts = simulation.counts();
  ++progress.schedules;
  progress.steps += static_cast<std::uint64_t>(simulation.steps());
  progress.invocations += static_cast<std::uint64_t>(simulation.invocations());
  progress.generations += static_cast<std::uint64_t>(simulation.generations());
  progress.accepted += counts.accepted;
  progress.held += counts.held;
  progress.excused += counts.excused;
  for (std::size_t at = 0; at < kEnds.size(); ++at) {
    const auto found = counts.ended.find(kEnds.at(at));
    progress.ended.at(at) += found == counts.ended.end() ? 0 : found->second;
  }
}

void run_job(const Campaign& campaign, unsigned job, Progress& progress) {
  for (std::uint64_t seed = campaign.first + job; seed < campaign.first + campaign.seeds;
       seed += campaign.jobs) {
    progress.seed = seed;
    ::alarm(kMostSecondsASchedule);
    Simulation simulation(seed, Telling::quiet);
    const std::string violation = simulation.run();
    note(simulation, progress);
    if (!violation.empty()) {
      fmt::print("seed {}: {}\n", seed, violation);
      static_cast<void>(std::fflush(stdout));
      if (++progress.failures >= campaign.most_failures) {
        return;
      }
    }
  }
}

std::uint64_t sum(std::span<Progress> all, std::atomic<std::uint64_t> Progress::*member) {
  std::uint64_t total = 0;
  for (Progress& one : all) {
    total += (one.*member).load();
  }
  return total;
}

void print_accounts(std::span<Progress> all) {
  std::string line = fmt::format("accepted {} =", sum(all, &Progress::accepted));
  for (std::size_t at = 0; at < kEnds.size(); ++at) {
    std::uint64_t total = 0;
    for (Progress& one : all) {
      total += one.ended.at(at).load();
    }
    line += fmt::format(" {} {} +", kEnds.at(at), total);
  }
  fmt::print(
      "{} held {} + excused {}\n", line, sum(all, &Progress::held), sum(all, &Progress::excused));
}

}  // namespace

bool run_campaign(const Campaign& campaign) {
  const auto begin = std::chrono::steady_clock::now();
  const std::span<Progress> progress = shared_progress(campaign.jobs);
  std::map<pid_t, unsigned> jobs;
  static_cast<void>(std::fflush(stdout));
  for (unsigned job = 0; job < campaign.jobs; ++job) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      run_job(campaign, job, progress[job]);
      static_cast<void>(std::fflush(stdout));
      ::_exit(0);
    }
    jobs[pid] = job;
  }
  for (const auto& [pid, job] : jobs) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    if (status != 0) {
      fmt::print(
          "seed {}: the program ended with status {:#x}\n", progress[job].seed.load(), status);
      ++progress[job].failures;
    }
  }
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
  const auto schedules = static_cast<double>(sum(progress, &Progress::schedules));
  fmt::print(
      "{} schedules in {:.1f} s, {:.0f} a second; {} invocations, {} generations, {} steps\n",
      schedules,
      time.count(),
      schedules / time.count(),
      sum(progress, &Progress::invocations),
      sum(progress, &Progress::generations),
      sum(progress, &Progress::steps));
  print_accounts(progress);
  const std::uint64_t failures = sum(progress, &Progress::failures);
  if (failures > 0) {
    fmt::print("{} failed; `make simulate SEED=<seed>` tells one in full\n", failures);
  }
  return failures == 0;
}

bool replay(std::uint64_t seed) {
  Simulation simulation(seed, Telling::everything);
  const std::string violation = simulation.run();
  fmt::print("seed {}: {}\n", seed, violation.empty() ? "every claim holds" : violation);
  return violation.empty();
}

}  // namespace postlude::simulation
