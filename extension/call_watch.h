#pragma once

#include "common/clock.h"
#include "common/mutex.h"
#include "extension/ongoing_call.h"

#include <condition_variable>
#include <thread>
#include <vector>

namespace postlude::extension {

/// Ends calls at their deadline, whatever they wait for: cpp-httplib's own limits count each wait
/// anew, so that a peer who sends a byte now and then would hold a call for ever. One thread, begun
/// with the first call.
class CallWatch {
 public:
  CallWatch() = default;
  /// No call may be watched any more.
  ~CallWatch();
  CallWatch(const CallWatch&) = delete;
  CallWatch& operator=(const CallWatch&) = delete;

  /// Watches a call for as long as it exists.
  class Guard {
   public:
    Guard(CallWatch& watch, OngoingCall& call, EpochTime deadline);
    ~Guard();
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

   private:
    CallWatch& watch_;
    OngoingCall& call_;
  };

 private:
  struct Watched {
    OngoingCall* call = nullptr;
    EpochTime deadline;
  };

  void run();
  /// The next deadline.
  [[nodiscard]] EpochTime end_late_calls(EpochTime at) POSTLUDE_REQUIRES(mutex_);

  Mutex mutex_;
  std::condition_variable changed_;
  std::vector<Watched> calls_ POSTLUDE_GUARDED_BY(mutex_);
  bool closing_ POSTLUDE_GUARDED_BY(mutex_) = false;
  std::jthread thread_ POSTLUDE_GUARDED_BY(mutex_);
};

}  // namespace postlude::extension
