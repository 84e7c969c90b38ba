#pragma once

#include "common/event_loop.h"
#include "common/mutex.h"
#include "common/unique_fd.h"

#include <condition_variable>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

namespace postlude::extension {

// The threads of the extension, each owned and joined by the object that starts it:
//   main            the event loop: schedule, links, commands
//   worker-<n>      Workers of Attempts: HTTP and AWS calls, one at a time each, started when there
//                   is work; Workers of Spills: the same for dead letters
//   http-deadlines  CallWatch (of HttpConnections): ends calls that are late
// Signals are blocked before the first of them exists (Signals::block), so none but main sees one.

/// Runs blocking jobs beside the loop, a bounded number at a time. All members on the loop's
/// thread.
class Workers {
 public:
  using Completion = std::function<void()>;
  /// Runs on a worker; what it returns runs on the loop's thread. It must not throw.
  using Job = std::function<Completion()>;

  /// Jobs beyond `most_threads` wait for a worker, in order.
  Workers(EventLoop& loop, std::size_t most_threads);
  /// Waits for the jobs that run, so stop those that take long before (HttpCall::stop). Jobs that
  /// wait are dropped, and so are completions that have not run.
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// No limit of its own: the schedule starts no more attempts at once than it may.
  void submit(Job job);
  /// Runs the completions of jobs that have ended now, and not in turn; also from within one.
  void complete();
  /// Some job has begun and not ended.
  [[nodiscard]] bool busy();

 private:
  void start_thread();
  void work();
  [[nodiscard]] bool needs_thread();

  EventLoop& loop_;
  const std::size_t most_threads_;
  UniqueFd wake_;  ///< eventfd: completions wait
  EventLoop::Slot slot_ = 0;
  Mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_ POSTLUDE_GUARDED_BY(mutex_);
  std::deque<Completion> completions_ POSTLUDE_GUARDED_BY(mutex_);
  std::size_t idle_ POSTLUDE_GUARDED_BY(mutex_) = 0;
  std::size_t at_work_ POSTLUDE_GUARDED_BY(mutex_) = 0;
  bool closing_ POSTLUDE_GUARDED_BY(mutex_) = false;
  std::vector<std::jthread> threads_;
};

}  // namespace postlude::extension
