#include "runtime/relay_socket.h"

#include <sys/socket.h>

#include <utility>

namespace postlude::runtime {

void RelaySocket::open(UniqueFd fd) {
  close();
  fd_ = std::move(fd);
}

void RelaySocket::want(short events) {
  if (!fd_ || events == 0) {
    leave_loop();
  } else if (slot_) {
    loop_.set_events(*slot_, events);
  } else {
    slot_ = loop_.add(fd_.get(), events, handler_);
  }
}

void RelaySocket::half_close() {
  ::shutdown(fd_.get(), SHUT_WR);
}

void RelaySocket::close() {
  leave_loop();
  fd_.reset();
}

void RelaySocket::reset() {
  if (fd_) {
    const struct linger at_once = {1, 0};
    static_cast<void>(::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once));
  }
  close();
}

UniqueFd RelaySocket::release() {
  leave_loop();
  return std::exchange(fd_, {});
}

void RelaySocket::leave_loop() {
  if (slot_) {
    loop_.remove(*std::exchange(slot_, {}));
  }
}

}  // namespace postlude::runtime
