#include "extension/workers.h"

#include <fmt/format.h>

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace postlude::extension {

Workers::Workers(EventLoop& loop, std::size_t most_threads)
    : loop_(loop),
      most_threads_(most_threads),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      slot_(loop.add(wake_.get(), POLLIN, [this](short /*revents*/) { complete(); })) {
  assert(wake_);
}

Workers::~Workers() {
  {
    const Lock lock(mutex_);
    closing_ = true;
    jobs_.clear();
  }
  changed_.notify_all();
  threads_.clear();
  loop_.remove(slot_);
}

void Workers::submit(Job job) {
  {
    const Lock lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  if (needs_thread()) {
    start_thread();
  }
  changed_.notify_one();
}

void Workers::start_thread() {
  try {
    threads_.emplace_back([this, number = threads_.size() + 1] {
      const std::string name = fmt::format("worker-{}", number);
      static_cast<void>(::pthread_setname_np(::pthread_self(), name.c_str()));
      work();
    });
  } catch (const std::system_error&) {
    // Too many threads now may be fewer soon: the job waits for one of ours, or for the next call.
  }
}

bool Workers::busy() {
  const Lock lock(mutex_);
  return at_work_ > 0;
}

bool Workers::needs_thread() {
  const Lock lock(mutex_);
  return jobs_.size() > idle_ && threads_.size() < most_threads_;
}

void Workers::work() {
  while (true) {
    Job job;
    {
      Lock lock(mutex_);
      ++idle_;
      while (jobs_.empty() && !closing_) {
        lock.wait(changed_);
      }
      --idle_;
      if (closing_) {
        return;
      }
      job = std::move(jobs_.front());
      jobs_.pop_front();
      ++at_work_;
    }
    Completion completion = job();
    job = nullptr;  // no file of it stays open until the next one comes
    {
      const Lock lock(mutex_);
      --at_work_;
      completions_.push_back(std::move(completion));
    }
    const std::uint64_t one = 1;
    while (::write(wake_.get(), &one, sizeof one) < 0 && errno == EINTR) {
    }
  }
}

void Workers::complete() {
  std::uint64_t count = 0;
  static_cast<void>(::read(wake_.get(), &count, sizeof count));
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
