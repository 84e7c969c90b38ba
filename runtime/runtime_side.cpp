#include "runtime/runtime_side.h"

#include <poll.h>
#include <sys/ioctl.h>

namespace postlude::runtime {

bool RuntimeSide::send(RelayLane& answers) {
  if (!socket_.is_open()) {
    answers.discard();
    return true;
  }
  if (answers.send(socket_.fd()) != RelayLane::Io::reset) {
    return true;
  }
  answers.discard();
  socket_.close();
  return false;
}

void RuntimeSide::update_events(Wish wish, const RelayLane& answers) {
  const bool listens = wish != Wish::only_send && !requests_.ended() && !hung_up_;
  socket_.want(static_cast<short>((wish == Wish::read ? POLLIN : 0) | (listens ? POLLRDHUP : 0) |
                                  (answers.unsent() ? POLLOUT : 0)));
}

void RuntimeSide::close_gently(Expects expects) {
  if (socket_.is_open() &&
      (expects == Expects::more_bytes || requests_.unread() || has_unread_bytes())) {
    context_.close_gently(socket_.release());
  }
  socket_.close();
}

bool RuntimeSide::has_unread_bytes() const {
  int count = 0;
  return ::ioctl(socket_.fd(), FIONREAD, &count) == 0 && count > 0;
}

}  // namespace postlude::runtime
