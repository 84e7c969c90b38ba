#include "extension/ongoing_call.h"

#include <fcntl.h>
#include <sys/socket.h>

namespace postlude::extension {

void OngoingCall::end(End reason) {
  const Lock lock(mutex_);
  if (end_ == End::none) {
    end_ = reason;
  }
  shut_down();
}

OngoingCall::End OngoingCall::ended() const {
  const Lock lock(mutex_);
  return end_;
}

void OngoingCall::use_socket(int fd) {
  const Lock lock(mutex_);
  socket_.reset(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (end_ != End::none) {
    shut_down();
  }
}

void OngoingCall::drop_socket() {
  const Lock lock(mutex_);
  socket_.reset();
}

void OngoingCall::enforce() {
  const Lock lock(mutex_);
  if (end_ != End::none) {
    shut_down();
  }
}

void OngoingCall::shut_down() {
  if (socket_) {
    // A reset, once it is closed: a peer in the middle of a long answer would try for minutes to
    // send the rest.
    constexpr linger kReset{.l_onoff = 1, .l_linger = 0};
    static_cast<void>(::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &kReset, sizeof kReset));
    static_cast<void>(::shutdown(socket_.get(), SHUT_RDWR));
  }
}

}  // namespace postlude::extension
