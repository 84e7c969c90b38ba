#pragma once

#include <condition_variable>
#include <mutex>

// What clang's -Wthread-safety checks: guarded members are touched with their mutex held only.
#if defined(__clang__)
#define POSTLUDE_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define POSTLUDE_THREAD_ANNOTATION(x)
#endif
#define POSTLUDE_GUARDED_BY(mutex) POSTLUDE_THREAD_ANNOTATION(guarded_by(mutex))
#define POSTLUDE_REQUIRES(mutex) POSTLUDE_THREAD_ANNOTATION(requires_capability(mutex))

namespace postlude {

/// std::mutex, with the annotations that libstdc++'s has not.
class POSTLUDE_THREAD_ANNOTATION(capability("mutex")) Mutex {
 public:
  void lock() POSTLUDE_THREAD_ANNOTATION(acquire_capability()) { mutex_.lock(); }
  void unlock() POSTLUDE_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }

 private:
  friend class Lock;
  std::mutex mutex_;
};

/// Holds a mutex to the end of its scope.
class POSTLUDE_THREAD_ANNOTATION(scoped_lockable) Lock {
 public:
  explicit Lock(Mutex& mutex) POSTLUDE_THREAD_ANNOTATION(acquire_capability(mutex))
      : lock_(mutex.mutex_) {}
  ~Lock() POSTLUDE_THREAD_ANNOTATION(release_capability()) = default;
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

  /// The mutex is released while it waits. Wakes without reason, too: look again in a loop.
  void wait(std::condition_variable& condition) { condition.wait(lock_); }
  /// By a clock that nobody sets.
  template <class Duration>
  void wait_for(std::condition_variable& condition, Duration most) {
    static_cast<void>(condition.wait_for(lock_, most));
  }

 private:
  std::unique_lock<std::mutex> lock_;
};

}  // namespace postlude
