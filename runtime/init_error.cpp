#include "runtime/init_error.h"

#include "common/clock.h"
#include "common/http_framing.h"
#include "common/http_head.h"
#include "common/tcp.h"

#include <fmt/format.h>

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <string>

namespace postlude::runtime {
namespace {

constexpr Millis kPatience = std::chrono::seconds(2);

std::string request_text(std::string_view runtime_api, std::string_view body) {
  const std::string length = fmt::format("{}", body.size());
  const std::array<HeaderField, 5> fields = {
      HeaderField{"Host", runtime_api},
      HeaderField{"Content-Type", "application/vnd.aws.lambda.error+json"},
      HeaderField{"Content-Length", length},
      HeaderField{"Lambda-Runtime-Function-Error-Type", "Runtime.PostludeConfigError"},
      HeaderField{"Connection", "close"},
  };
  return write_head("POST /2018-06-01/runtime/init/error HTTP/1.1", fields).append(body);
}

Result<void> wait_until(int fd, short events, EpochTime deadline) {
  pollfd watched = {fd, events, 0};
  while (true) {
    const int ready = ::poll(&watched, 1, static_cast<int>(remaining(deadline, now()).count()));
    if (ready > 0) {
      return {};
    }
    if (ready == 0) {
      return fail("post /init/error: no answer from the platform");
    }
    if (errno != EINTR) {
      return errno_failure("poll", "/init/error");
    }
  }
}

Result<void> send_all(int fd, std::string_view text, EpochTime deadline) {
  while (!text.empty()) {
    if (auto ready = wait_until(fd, POLLOUT, deadline); !ready) {
      return ready;
    }
    const ssize_t sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      text.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno != EINTR && errno != EAGAIN) {
      return errno_failure("post", "/init/error");
    }
  }
  return {};
}

Result<int> receive_status(int fd, EpochTime deadline) {
  std::string received;
  HttpFraming framing(MessageKind::response);
  while (true) {
    if (auto ready = wait_until(fd, POLLIN, deadline); !ready) {
      return tl::unexpected(ready.error());
    }
    std::array<char, 4096> block;
    const ssize_t size = ::recv(fd, block.data(), block.size(), MSG_DONTWAIT);
    if (size == 0 || (size < 0 && errno != EINTR && errno != EAGAIN)) {
      return fail(ErrorCode::closed, "post /init/error: the platform closed the connection");
    }
    received.append(block.data(), static_cast<std::size_t>(size > 0 ? size : 0));
    const FramingStep step = framing.next(received);
    if (step.event == FramingEvent::head) {
      return HttpHead(std::string_view(received).substr(0, step.consumed)).status();
    }
    if (step.event == FramingEvent::invalid) {
      return fail("post /init/error: the answer is not HTTP");
    }
  }
}

}  // namespace

Result<void> post_init_error(std::string_view runtime_api, std::string_view body) {
  const EpochTime deadline = now() + kPatience;
  const auto address = resolve_tcp(runtime_api);
  if (!address) {
    return tl::unexpected(address.error());
  }
  const auto connection = start_connect(*address);
  if (!connection) {
    return tl::unexpected(connection.error());
  }
  if (auto sent = send_all(connection->get(), request_text(runtime_api, body), deadline); !sent) {
    return sent;
  }
  const auto status = receive_status(connection->get(), deadline);
  if (!status) {
    return tl::unexpected(status.error());
  }
  constexpr int kAccepted = 202;
  if (*status != kAccepted) {
    return fail(fmt::format("post /init/error: the platform answered {}", *status));
  }
  return {};
}

}  // namespace postlude::runtime
