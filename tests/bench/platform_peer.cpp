#include "tests/bench/platform_peer.h"

#include "common/http_head.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <utility>
#include <vector>

namespace postlude::testing {

std::int64_t monotonic_ns() {
  constexpr std::int64_t kNanosPerSecond = 1'000'000'000;
  timespec at{};
  static_cast<void>(::clock_gettime(CLOCK_MONOTONIC, &at));
  return at.tv_sec * kNanosPerSecond + at.tv_nsec;
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) {
      pollfd writable{fd, POLLOUT, 0};
      static_cast<void>(::poll(&writable, 1, -1));
      continue;
    }
    if (sent < 0 && errno == EINTR) {
      continue;
    }
    if (sent <= 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool PlatformPeer::receive(const std::function<void(Request&)>& take) {
  constexpr std::size_t kReadBytes = std::size_t{256} << 10;
  static thread_local std::vector<char> buffer(kReadBytes);
  const ssize_t size = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size <= 0) {
    return size < 0 && (errno == EAGAIN || errno == EINTR);
  }
  const std::int64_t at = monotonic_ns();
  input_.append(buffer.data(), static_cast<std::size_t>(size));
  std::string_view rest = input_;
  while (true) {
    const FramingStep step = framing_.next(rest);
    const std::string_view bytes = rest.substr(0, step.consumed);
    rest.remove_prefix(step.consumed);
    if (step.event == FramingEvent::need_more) {
      input_.erase(0, input_.size() - rest.size());
      return true;
    }
    if (step.event == FramingEvent::invalid) {
      return false;
    }
    if (step.event == FramingEvent::head) {
      const HttpHead head(bytes);
      request_ = {
          .method = std::string(head.method()), .target = std::string(head.target()), .body = {}};
    } else if (step.event == FramingEvent::payload) {
      keep(bytes, at);
    } else if (step.event == FramingEvent::end) {
      request_.end = at;
      take(request_);
    }
  }
}

void PlatformPeer::keep(std::string_view payload, std::int64_t at) {
  if (request_.first_byte < 0) {
    request_.first_byte = at;
  }
  request_.body_bytes += payload.size();
  const std::size_t room = kKeptBodyBytes - request_.body.size();
  request_.body.append(payload.substr(0, std::min(room, payload.size())));
}

}  // namespace postlude::testing
