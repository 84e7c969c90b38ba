#include "tests/emulator/faults.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <utility>

namespace postlude::emulator {

Faults::Faults() : acknowledged_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE)) {}

void Faults::order(Fault fault, std::size_t after_bytes) {
  const std::lock_guard lock(mutex_);
  ordered_.at(static_cast<std::size_t>(fault)) = after_bytes;
}

std::optional<std::size_t> Faults::strike(Fault fault) {
  const std::lock_guard lock(mutex_);
  return std::exchange(ordered_.at(static_cast<std::size_t>(fault)), std::nullopt);
}

void Faults::acknowledge() {
  ::eventfd_write(acknowledged_.get(), 1);
}

void Faults::wait_acknowledge(int connection) {
  eventfd_t one = 0;
  while (::eventfd_read(acknowledged_.get(), &one) != 0) {
    std::array<pollfd, 2> watched{{{acknowledged_.get(), POLLIN, 0}, {connection, POLLRDHUP, 0}}};
    if (::poll(watched.data(), watched.size(), -1) > 0 && watched[1].revents != 0) {
      return;
    }
  }
}

}  // namespace postlude::emulator
