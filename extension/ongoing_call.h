#pragma once

#include "common/mutex.h"
#include "common/unique_fd.h"

namespace postlude::extension {

/// The part of a call that other threads reach: whoever wants it to end, shuts its socket down, and
/// every wait of the call returns. For any number of threads.
class OngoingCall {
 public:
  enum class End { none, stopped, timed_out };

  /// The first reason stays. Safe at any time: a socket that comes later is shut down as well.
  void end(End reason);
  [[nodiscard]] End ended() const;

  /// The call waits on this socket from now on. It stays the caller's; what is kept is a duplicate.
  void use_socket(int fd);
  void drop_socket();
  /// Shuts the socket down again if the call has been ended: after connect(), which revives one.
  void enforce();

 private:
  void shut_down() POSTLUDE_REQUIRES(mutex_);

  mutable Mutex mutex_;
  UniqueFd socket_ POSTLUDE_GUARDED_BY(mutex_);
  End end_ POSTLUDE_GUARDED_BY(mutex_) = End::none;
};

}  // namespace postlude::extension
