#pragma once

#include "tests/simulation/fiber.h"
#include "tests/simulation/process.h"
#include "tests/simulation/work.h"

#include <functional>
#include <memory>
#include <vector>

namespace postlude::simulation {

/// The worker threads of one extension, as fibers. They run as their process does: not while it is
/// stopped or frozen, and not after its death.
class JobFibers {
 public:
  explicit JobFibers(Process& owner) : owner_(owner) {}
  JobFibers(const JobFibers&) = delete;
  JobFibers& operator=(const JobFibers&) = delete;
  /// Unwinds what is left of them.
  ~JobFibers();

  /// `body` runs on a fiber of its own, a little later.
  void start(std::function<void()> body);
  [[nodiscard]] std::size_t running() const;

  /// From a job's fiber: returns when the work is over, or `call` was stopped.
  [[nodiscard]] static Work::End wait_for(Work::Attempt attempt, const void* call);
  /// From the loop's fiber: whoever waits for this call, now or later, goes on at once.
  static void stop(const void* call);
  static void forget(const void* call);
  [[nodiscard]] static bool is_stopped(const void* call);

 private:
  struct Job {
    Process* owner = nullptr;
    std::unique_ptr<Fiber> fiber;
    bool begun = false;
    bool ending = false;
    const void* call = nullptr;
    Work::Id work = 0;
    Work::End end = Work::End::stopped;
  };

  static void go_on(const std::shared_ptr<Job>& job);

  Process& owner_;
  std::vector<std::shared_ptr<Job>> jobs_;
  static std::shared_ptr<Job> running_job;
  static std::vector<std::shared_ptr<Job>> waiting_jobs;
};

}  // namespace postlude::simulation
