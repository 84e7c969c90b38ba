#include "common/platform_connection.h"

#include "common/http_head.h"
#include "common/tcp.h"

#include <sys/socket.h>

#include <array>
#include <cassert>
#include <utility>

namespace postlude {
namespace {

/// An event of the platform has about 500 bytes.
constexpr std::size_t kMostBodyBytes = std::size_t{256} << 10;

}  // namespace

PlatformConnection::~PlatformConnection() {
  drop();
  if (failure_) {
    loop_.cancel(*failure_);
  }
}

void PlatformConnection::request(std::string bytes, Done done, Reading reading) {
  assert(!done_);
  done_ = std::move(done);
  resting_ = reading == Reading::when_attended;
  unsent_ = std::move(bytes);
  untouched_ = true;
  answer_ = {};
  if (fd_ && still_open()) {
    send_rest();
    return;
  }
  drop();
  connect();
}

void PlatformConnection::attend() {
  if (!std::exchange(resting_, false) || !slot_ || connecting_) {
    return;
  }
  loop_.set_events(*slot_, wanted_events());
  if (unsent_.empty()) {
    receive();
  }
}

short PlatformConnection::wanted_events() const {
  const int answer = resting_ ? 0 : POLLIN;
  return static_cast<short>(unsent_.empty() ? answer : answer | POLLOUT);
}

/// Nothing was asked, so anything there is to read is the end, or bytes that belong to nobody.
bool PlatformConnection::still_open() const {
  char byte = 0;
  return ::recv(fd_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

void PlatformConnection::connect() {
  const auto address = resolve_tcp(address_);
  auto fd = address ? start_connect(*address) : tl::unexpected(address.error());
  if (!fd) {
    failure_ = loop_.at(now(), [this, error = fd.error()] {
      failure_.reset();
      lost(error);
    });
    return;
  }
  fd_ = std::move(*fd);
  framing_ = HttpFraming(MessageKind::response);
  input_.clear();
  connecting_ = true;
  slot_ = loop_.add(fd_.get(), POLLOUT, [this](short revents) { ready(revents); });
}

void PlatformConnection::ready(short revents) {
  if (connecting_) {
    if (const int error = connect_error(fd_.get()); error != 0) {
      lost(errno_error("connect", address_, error));
      return;
    }
    connecting_ = false;
    send_rest();
  } else if (!done_) {
    drop();
  } else if (!unsent_.empty() && (revents & POLLOUT) != 0) {
    send_rest();
  } else {
    receive();
  }
}

void PlatformConnection::send_rest() {
  while (!unsent_.empty()) {
    const ssize_t size =
        ::send(fd_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size < 0 && errno == EAGAIN) {
      break;
    }
    if (size < 0 && errno != EINTR) {
      lost(errno_error("send to", address_));
      return;
    }
    if (size > 0) {
      untouched_ = false;
      unsent_.erase(0, static_cast<std::size_t>(size));
    }
  }
  loop_.set_events(*slot_, wanted_events());
}

void PlatformConnection::receive() {
  std::array<char, 8192> buffer;
  const ssize_t size = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size < 0) {
    if (errno != EAGAIN && errno != EINTR) {
      lost(errno_error("receive from", address_));
    }
    return;
  }
  if (size > 0) {
    input_.append(buffer.data(), static_cast<std::size_t>(size));
    read_messages();
  } else if (framing_.in_message() && framing_.may_close()) {
    drop();
    finish(std::exchange(answer_, {}));
  } else {
    lost(Error{ErrorCode::closed, address_ + " closed the connection"});
  }
}

void PlatformConnection::read_messages() {
  std::string_view rest = input_;
  while (true) {
    const FramingStep step = framing_.next(rest);
    const std::string_view bytes = rest.substr(0, step.consumed);
    rest.remove_prefix(step.consumed);
    if (step.event == FramingEvent::need_more) {
      break;
    }
    if (step.event == FramingEvent::head) {
      answer_ = {HttpHead(bytes).status(), std::string(bytes), {}};
    } else if (step.event == FramingEvent::payload) {
      answer_.body.append(bytes);
    } else if (step.event == FramingEvent::end && answer_.status >= 200) {
      const HttpHead head(answer_.head);
      if (!rest.empty() || head.version() != "HTTP/1.1" || head.has_token("connection", "close")) {
        drop();
      } else {
        input_.clear();
        loop_.set_events(*slot_, 0);
      }
      finish(std::exchange(answer_, {}));
      return;
    }
    if (step.event == FramingEvent::invalid || answer_.body.size() > kMostBodyBytes) {
      lost(Error{ErrorCode::failed, address_ + " sent something that is no answer"});
      return;
    }
  }
  input_.erase(0, input_.size() - rest.size());
}

void PlatformConnection::lost(Error error) {
  const bool was_reused = fd_ && !connecting_;
  drop();
  if (was_reused && untouched_ && done_) {
    connect();
    return;
  }
  finish(tl::unexpected(std::move(error)));
}

void PlatformConnection::finish(Result<PlatformAnswer> answer) {
  if (const Done done = std::exchange(done_, nullptr)) {
    done(std::move(answer));
  }
}

void PlatformConnection::drop() {
  if (slot_) {
    loop_.remove(*slot_);
    slot_.reset();
  }
  fd_.reset();
  connecting_ = false;
}

}  // namespace postlude
