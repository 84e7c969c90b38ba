// Each job runs on a fiber; how long it takes is decided where it waits (job_fibers.h).
#include "extension/workers.h"

#include "tests/simulation/job_fibers.h"
#include "tests/simulation/world.h"

#include <poll.h>

#include <map>
#include <memory>
#include <utility>

namespace postlude::extension {

using simulation::JobFibers;
using simulation::World;

namespace {

/// The threads of each pool.
std::map<const Workers*, std::unique_ptr<JobFibers>>& pools() {
  static std::map<const Workers*, std::unique_ptr<JobFibers>> all;
  return all;
}

}  // namespace

Workers::Workers(EventLoop& loop, std::size_t most_threads)
    : loop_(loop),
      most_threads_(most_threads),
      wake_(World::current().descriptors().open({.ready =
                                                     [this] {
                                                       const Lock lock(mutex_);
                                                       return completions_.empty() ? short{0}
                                                                                   : short{POLLIN};
                                                     }})),
      slot_(loop.add(wake_.get(), POLLIN, [this](short /*revents*/) { complete(); })) {
  pools()[this] = std::make_unique<JobFibers>(*World::current().running());
}

Workers::~Workers() {
  pools().erase(this);
  loop_.remove(slot_);
}

void Workers::submit(Job job) {
  {
    const Lock lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  start_thread();
}

void Workers::start_thread() {
  JobFibers& fibers = *pools().at(this);
  if (fibers.running() < most_threads_) {
    fibers.start([this] { work(); });
  }
}

void Workers::work() {
  while (true) {
    Job job;
    {
      const Lock lock(mutex_);
      if (jobs_.empty()) {
        return;
      }
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    Completion completion = job();
    const Lock lock(mutex_);
    completions_.push_back(std::move(completion));
  }
}

void Workers::complete() {
  while (true) {
    Completion completion;
    {
      const Lock lock(mutex_);
      if (completions_.empty()) {
        return;
      }
      completion = std::move(completions_.front());
      completions_.pop_front();
    }
    completion();
  }
}

}  // namespace postlude::extension
