#include "extension/workers.h"

#include <doctest/doctest.h>

#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace postlude::extension {
using namespace std::chrono_literals;

namespace {

constexpr Millis kFailureTimeout = 30s;

/// Ends the loop in failure after half a minute.
void run_until_stopped(EventLoop& loop) {
  bool late = false;
  const auto timer = loop.at(now() + kFailureTimeout, [&] {
    late = true;
    loop.stop();
  });
  loop.run();
  loop.cancel(timer);
  CHECK_FALSE(late);
}

std::string thread_name() {
  std::array<char, 16> name = {};
  ::pthread_getname_np(::pthread_self(), name.data(), name.size());
  return name.data();
}

}  // namespace

TEST_CASE("a job runs on a named thread of its own, its completion on the loop's") {
  EventLoop loop;
  Workers workers(loop, 2);
  const auto main = std::this_thread::get_id();
  workers.submit([&]() -> Workers::Completion {
    return [&, name = thread_name(), worker = std::this_thread::get_id()] {
      CHECK(name == "worker-1");
      CHECK(worker != main);
      CHECK(std::this_thread::get_id() == main);
      loop.stop();
    };
  });
  run_until_stopped(loop);
}

TEST_CASE("as many jobs run at once as there may be threads") {
  constexpr int kThreads = 3;
  EventLoop loop;
  Workers workers(loop, kThreads);
  std::promise<void> all_there;
  const std::shared_future<void> together = all_there.get_future().share();
  std::atomic<int> running = 0;
  int done = 0;
  for (int i = 0; i < kThreads; ++i) {
    workers.submit([&, together]() -> Workers::Completion {
      if (++running == kThreads) {
        all_there.set_value();
      }
      const bool met = together.wait_for(kFailureTimeout) == std::future_status::ready;
      return [&, met] {
        CHECK(met);
        if (++done == kThreads) {
          loop.stop();
        }
      };
    });
  }
  run_until_stopped(loop);
}

TEST_CASE("jobs beyond the bound wait and run in order, on the same threads") {
  constexpr int kJobs = 20;
  EventLoop loop;
  Workers workers(loop, 1);
  std::vector<int> order;
  std::set<std::thread::id> threads;
  for (int i = 0; i < kJobs; ++i) {
    workers.submit([&, i]() -> Workers::Completion {
      return [&, i, thread = std::this_thread::get_id()] {
        order.push_back(i);
        threads.insert(thread);
        if (order.size() == kJobs) {
          loop.stop();
        }
      };
    });
  }
  run_until_stopped(loop);
  CHECK(threads.size() == 1);
  CHECK(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE("a completion may ask for all others that are due, which then run inside of it") {
  constexpr std::size_t kJobs = 3;
  EventLoop loop;
  Workers workers(loop, kJobs);
  std::promise<void> all_there;
  const std::shared_future<void> together = all_there.get_future().share();
  std::atomic<std::size_t> running = 0;
  std::size_t done = 0;
  for (std::size_t i = 0; i < kJobs; ++i) {
    workers.submit([&, together]() -> Workers::Completion {
      if (++running == kJobs) {
        all_there.set_value();
      }
      together.wait_for(kFailureTimeout);
      return [&] {
        if (++done == 1) {
          while (workers.busy()) {
          }
          workers.complete();
          CHECK(done == kJobs);
          loop.stop();
        }
      };
    });
  }
  run_until_stopped(loop);
}

TEST_CASE("an idle thread takes the next job instead of a new one") {
  EventLoop loop;
  Workers workers(loop, 8);
  std::set<std::string> names;
  int rounds = 0;
  const std::function<void()> next = [&] {
    workers.submit([&]() -> Workers::Completion {
      return [&, name = thread_name()] {
        names.insert(name);
        constexpr int kRounds = 50;
        if (++rounds == kRounds) {
          loop.stop();
        } else {
          // By then the worker has come back for more, or nearly so.
          loop.at(now() + 1ms, next);
        }
      };
    });
  };
  next();
  run_until_stopped(loop);
  // A second one where the first had not come back yet, which a loaded machine allows.
  CHECK(names.size() <= 2);
}

TEST_CASE("the end drops jobs that wait, and waits for those that run, without their completions") {
  EventLoop loop;
  std::promise<void> begun;
  std::promise<void> dropped;
  bool ended = false;
  bool completed = false;
  bool ran = false;
  {
    Workers workers(loop, 1);
    workers.submit([&]() -> Workers::Completion {
      begun.set_value();
      ended = dropped.get_future().wait_for(kFailureTimeout) == std::future_status::ready;
      return [&] { completed = true; };
    });
    begun.get_future().wait();
    const std::shared_ptr<void> token(nullptr, [&](void*) { dropped.set_value(); });
    workers.submit([&ran, token]() -> Workers::Completion {
      ran = true;
      return [] {};
    });
  }
  CHECK(ended);
  CHECK_FALSE(completed);
  CHECK_FALSE(ran);
}

TEST_CASE("a worker's thread has the signal mask of the thread that made it") {
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR2);
  REQUIRE(::pthread_sigmask(SIG_BLOCK, &blocked, &before) == 0);
  {
    EventLoop loop;
    Workers workers(loop, 1);
    workers.submit([&]() -> Workers::Completion {
      sigset_t own;
      ::pthread_sigmask(SIG_BLOCK, nullptr, &own);
      return [&, is_blocked = sigismember(&own, SIGUSR2)] {
        CHECK(is_blocked == 1);
        loop.stop();
      };
    });
    run_until_stopped(loop);
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST_CASE("workers are busy while a job has begun and not ended") {
  EventLoop loop;
  Workers workers(loop, 1);
  CHECK_FALSE(workers.busy());
  std::promise<void> begun;
  std::promise<void> go_on;
  workers.submit([&]() -> Workers::Completion {
    begun.set_value();
    go_on.get_future().wait();
    return [&loop] { loop.stop(); };
  });
  begun.get_future().wait();
  CHECK(workers.busy());
  go_on.set_value();
  run_until_stopped(loop);
  CHECK_FALSE(workers.busy());
}

}  // namespace postlude::extension
