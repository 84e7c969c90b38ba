#include "runtime/lingering_close.h"

#include "common/clock.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace postlude::runtime {

LingeringClose::LingeringClose(RelayContext& context,
                               UniqueFd socket,
                               std::function<void(LingeringClose&)> ended)
    : context_(context),
      socket_(context.loop, [this](short) { drain(); }),
      ended_(std::move(ended)),
      timer_(context.loop.at(now() + kPatience, [this] { finish(); })) {
  socket_.open(std::move(socket));
  socket_.half_close();
  socket_.want(POLLIN);
}

void LingeringClose::drain() {
  const ssize_t size =
      ::recv(socket_.fd(), context_.scratch.data(), context_.scratch.size(), MSG_DONTWAIT);
  if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) {
    finish();
  }
}

void LingeringClose::finish() {
  if (socket_.is_open()) {
    socket_.close();
    ended_(*this);
  }
}

}  // namespace postlude::runtime
