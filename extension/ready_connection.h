#pragma once

#include "common/mutex.h"
#include "extension/http_call.h"
#include "extension/ongoing_call.h"

#include <condition_variable>
#include <optional>
#include <utility>

namespace postlude::extension {

/// Where a connection that was opened ahead meets the call that uses it: one thread has opened it
/// and waits with it, another brings a request. Once. For any thread.
class ReadyConnection {
 public:
  struct Use {
    const HttpRequest* request = nullptr;
    OngoingCall* call = nullptr;  ///< of the one who brought it
  };

  explicit ReadyConnection(Url origin) : origin_(std::move(origin)) {}

  [[nodiscard]] const Url& origin() const { return origin_; }

  /// Brings a request, which stays alive until done(), and waits for that. False: the connection
  /// was not there, or is gone; nothing of the request was sent.
  [[nodiscard]] bool use(const HttpRequest& request, OngoingCall& call);
  /// Nobody will come any more.
  void withdraw();

  /// The thread with the connection: waits for a request. Nothing if none will come, or `opening`,
  /// which is its own call, has been ended.
  [[nodiscard]] std::optional<Use> await_use(const OngoingCall& opening);
  /// The same thread: the request is over, or there is no connection.
  enum class Outcome { used, unused };
  void done(Outcome outcome);

 private:
  const Url origin_;
  Mutex mutex_;
  std::condition_variable changed_;
  std::optional<Use> use_ POSTLUDE_GUARDED_BY(mutex_);
  std::optional<Outcome> outcome_ POSTLUDE_GUARDED_BY(mutex_);
  bool withdrawn_ POSTLUDE_GUARDED_BY(mutex_) = false;
};

}  // namespace postlude::extension
