#include "runtime/relay_lane.h"

#include <sys/socket.h>

#include <cassert>
#include <cerrno>
#include <utility>

namespace postlude::runtime {

RelayLane::Io RelayLane::receive(int fd, ScratchBlock& scratch) {
  ssize_t size = 0;
  do {
    size = ::recv(fd, scratch.data(), scratch.size(), MSG_DONTWAIT);
  } while (size < 0 && errno == EINTR);
  if (size < 0) {
    return errno == EAGAIN ? Io::blocked : Io::reset;
  }
  if (size == 0) {
    ended_ = true;
    return Io::closed;
  }
  const std::string_view received(scratch.data(), static_cast<std::size_t>(size));
  if (kept_.empty()) {
    fresh_ = received;
  } else {
    kept_.append(received);
  }
  return Io::progress;
}

FramingStep RelayLane::step() {
  const FramingStep step = framing_.next(rest());
  approved_ += step.consumed;
  return step;
}

void RelayLane::drop(std::size_t size) {
  assert(approved_ == size);
  approved_ -= size;
  consume(size);
}

void RelayLane::replace(std::size_t size, std::string_view bytes) {
  assert(approved_ == size);
  std::string changed;
  changed.reserve(bytes.size() + view().size() - size);
  changed.append(bytes).append(view().substr(size));
  kept_ = std::move(changed);
  kept_from_ = 0;
  fresh_ = {};
  approved_ = bytes.size();
}

RelayLane::Io RelayLane::send(int fd) {
  while (approved_ > 0) {
    if (fd < 0) {
      return Io::blocked;
    }
    const ssize_t sent = ::send(fd, view().data(), approved_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
      if (errno == EINTR) {
        continue;
      }
      return errno == EAGAIN ? Io::blocked : Io::reset;
    }
    const auto size = static_cast<std::size_t>(sent);
    approved_ -= size;
    consume(size);
    if (approved_ > 0) {
      return Io::blocked;  // the socket's buffer is full; asking again would only say so
    }
  }
  return Io::progress;
}

void RelayLane::consume(std::size_t size) {
  if (kept_.empty()) {
    fresh_.remove_prefix(size);
  } else {
    kept_from_ += size;
  }
}

void RelayLane::keep() {
  if (kept_.empty()) {
    kept_.assign(fresh_);
  } else if (kept_from_ == kept_.size()) {
    // A block that served one large head or one slow reader is not kept for the idle time.
    std::string().swap(kept_);
  } else {
    kept_.erase(0, kept_from_);
  }
  kept_from_ = 0;
  fresh_ = {};
}

void RelayLane::discard() {
  consume(approved_);
  approved_ = 0;
}

void RelayLane::drop_rest() {
  if (kept_.empty()) {
    fresh_ = fresh_.substr(0, approved_);
  } else {
    kept_.resize(kept_from_ + approved_);
  }
}

void RelayLane::place(std::string_view bytes) {
  assert(fresh_.empty() && !unread());
  kept_.append(bytes);
  approved_ += bytes.size();
}

}  // namespace postlude::runtime
