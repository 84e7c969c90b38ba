#include "tests/simulation/job_fibers.h"

#include "tests/simulation/simulation.h"

#include <algorithm>
#include <set>
#include <utility>

namespace postlude::simulation {
namespace {

/// Calls that were stopped, and exist.
std::set<const void*>& stopped_calls() {
  static std::set<const void*> calls;
  return calls;
}

}  // namespace

std::shared_ptr<JobFibers::Job> JobFibers::running_job;
std::vector<std::shared_ptr<JobFibers::Job>> JobFibers::waiting_jobs;

JobFibers::~JobFibers() {
  for (const auto& job : jobs_) {
    job->ending = true;
    std::erase(waiting_jobs, job);
    if (job->work != 0) {
      Simulation::current().work().cancel(job->work);
    }
    if (job->begun && !job->fiber->over()) {
      job->fiber->resume();
    }
  }
}

void JobFibers::start(std::function<void()> body) {
  std::erase_if(jobs_, [](const auto& job) { return job->fiber->over(); });
  auto job = std::make_shared<Job>();
  job->owner = &owner_;
  job->fiber = std::make_unique<Fiber>([body = std::move(body)] {
    try {
      body();
    } catch (const SimulatedCrash&) {
      return;
    }
  });
  jobs_.push_back(job);
  World::current().later(World::current().hop(), [job] { go_on(job); });
}

std::size_t JobFibers::running() const {
  return static_cast<std::size_t>(std::count_if(
      jobs_.begin(), jobs_.end(), [](const auto& job) { return !job->fiber->over(); }));
}

void JobFibers::go_on(const std::shared_ptr<Job>& job) {
  if (job->ending || job->fiber->over() || job->owner->dead()) {
    return;
  }
  if (job->owner->stopped()) {
    World::current().later(Millis(20), [job] { go_on(job); });
    return;
  }
  job->begun = true;
  const auto before = std::exchange(running_job, job);
  World::current().as(*job->owner, [&job] { job->fiber->resume(); });
  running_job = before;
}

Work::End JobFibers::wait_for(Work::Attempt attempt, const void* call) {
  if (is_stopped(call)) {
    return Work::End::stopped;
  }
  const std::shared_ptr<Job> job = running_job;
  job->call = call;
  job->end = Work::End::stopped;
  attempt.owner = job->owner;
  waiting_jobs.push_back(job);
  job->work = Simulation::current().work().begin(std::move(attempt), [job](Work::End end) {
    job->work = 0;
    job->end = end;
    std::erase(waiting_jobs, job);
    go_on(job);
  });
  Fiber::yield();
  job->call = nullptr;
  if (job->ending) {
    throw SimulatedCrash();
  }
  return job->end;
}

void JobFibers::stop(const void* call) {
  stopped_calls().insert(call);
  const auto found = std::find_if(waiting_jobs.begin(),
                                  waiting_jobs.end(),
                                  [call](const auto& job) { return job->call == call; });
  if (found == waiting_jobs.end()) {
    return;
  }
  const std::shared_ptr<Job> job = *found;
  waiting_jobs.erase(found);
  Simulation::current().work().cancel(std::exchange(job->work, 0));
  World::current().later(World::current().hop(), [job] { go_on(job); });
}

bool JobFibers::is_stopped(const void* call) {
  return stopped_calls().contains(call);
}

void JobFibers::forget(const void* call) {
  stopped_calls().erase(call);
}

}  // namespace postlude::simulation
