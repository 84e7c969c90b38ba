#include "tests/emulator/http_connection.h"

#include "common/http_head.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace postlude::emulator {
namespace {

constexpr std::size_t kReadSize = std::size_t{64} << 10;
/// A peer that is still sending has this long to notice that it was answered.
constexpr std::chrono::milliseconds kLingerTime{2000};

}  // namespace

HttpConnection::HttpConnection(UniqueFd socket) : socket_(std::move(socket)) {
  const int on = 1;
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Result<void> HttpConnection::receive() {
  if (used_ > 0) {
    buffer_.erase(0, std::exchange(used_, 0));
  }
  const std::size_t old_size = buffer_.size();
  buffer_.resize(old_size + kReadSize);
  ssize_t got = 0;
  do {
    got = ::recv(socket_.get(), buffer_.data() + old_size, kReadSize, 0);
  } while (got < 0 && errno == EINTR);
  const int error_number = errno;
  buffer_.resize(old_size + static_cast<std::size_t>(got > 0 ? got : 0));
  if (got < 0) {
    return errno_failure("read", "request", error_number);
  }
  if (got == 0) {
    return fail(ErrorCode::closed, "the peer closed the connection");
  }
  return {};
}

void HttpConnection::remember_head(std::string_view bytes) {
  head_.assign(bytes);
  trailers_.clear();
  const HttpHead head(head_);
  expects_continue_ = head.has_token("Expect", "100-continue");
  close_after_ = head.has_token("Connection", "close") ||
                 (head.version() == "HTTP/1.0" && !head.has_token("Connection", "keep-alive"));
}

Result<std::string_view> HttpConnection::read_head() {
  while (true) {
    const std::string_view input = std::string_view(buffer_).substr(used_);
    const FramingStep step = framing_.next(input);
    if (step.event == FramingEvent::head) {
      remember_head(input.substr(0, step.consumed));
      used_ += step.consumed;
      waiting_ = false;
      return std::string_view(head_);
    }
    if (step.event == FramingEvent::invalid) {
      return fail("not an HTTP request");
    }
    used_ += step.consumed;  // what nobody read of the last message
    if (step.event != FramingEvent::need_more) {
      continue;
    }
    waiting_ = input.empty();
    if (auto received = receive(); !received) {
      waiting_ = true;
      return tl::unexpected(received.error());
    }
    waiting_ = false;
  }
}

Result<std::optional<std::string_view>> HttpConnection::read_body() {
  if (breaks_after_ == std::size_t{0}) {
    shut();
    return fail(ErrorCode::closed, "the connection was broken by order");
  }
  while (true) {
    const std::string_view input = std::string_view(buffer_).substr(used_);
    const FramingStep step = framing_.next(input);
    used_ += step.consumed;
    switch (step.event) {
      case FramingEvent::payload:
        if (breaks_after_) {
          const std::size_t size = std::min(step.consumed, *breaks_after_);
          *breaks_after_ -= size;
          return input.substr(0, size);
        }
        return input.substr(0, step.consumed);
      case FramingEvent::trailers:
        trailers_.assign(input.substr(0, step.consumed));
        break;
      case FramingEvent::end:
        breaks_after_.reset();
        return std::nullopt;
      case FramingEvent::framing:
      case FramingEvent::head:
        break;
      case FramingEvent::invalid:
        return fail("malformed request body");
      case FramingEvent::need_more:
        if (std::exchange(expects_continue_, false)) {
          if (auto sent = write("HTTP/1.1 100 Continue\r\n\r\n"); !sent) {
            return tl::unexpected(sent.error());
          }
        }
        if (auto received = receive(); !received) {
          return fail(ErrorCode::closed, received.error().message);
        }
        break;
    }
  }
}

Result<void> HttpConnection::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR) {
      return errno_failure("write", "answer");
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent > 0 ? sent : 0));
  }
  return {};
}

bool HttpConnection::peer_gone() const {
  pollfd watched{socket_.get(), POLLRDHUP, 0};
  return ::poll(&watched, 1, 0) > 0;
}

void HttpConnection::close_gently() {
  ::shutdown(socket_.get(), SHUT_WR);
  const auto end = std::chrono::steady_clock::now() + kLingerTime;
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    pollfd watched{socket_.get(), POLLIN, 0};
    if (left.count() <= 0 || ::poll(&watched, 1, static_cast<int>(left.count())) <= 0) {
      return;
    }
    used_ = buffer_.size();
    if (!receive()) {
      return;
    }
  }
}

void HttpConnection::shut() {
  ::shutdown(socket_.get(), SHUT_RDWR);
}

bool HttpConnection::idle() const {
  int unread = 0;
  return waiting_ && ::ioctl(socket_.get(), FIONREAD, &unread) == 0 && unread == 0;
}

}  // namespace postlude::emulator
