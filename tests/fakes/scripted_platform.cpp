#include "tests/fakes/scripted_platform.h"

#include "common/http_framing.h"
#include "common/tcp.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <poll.h>
#include <sys/socket.h>

#include <array>

namespace postlude::testing {
namespace {

constexpr int kFailureTimeoutMs = 30'000;

bool readable_now(int fd) {
  pollfd state = {fd, POLLIN, 0};
  return ::poll(&state, 1, 0) > 0;
}

bool is_whole(std::string_view bytes) {
  HttpFraming framing(MessageKind::request);
  for (FramingStep step = framing.next(bytes); step.event != FramingEvent::need_more;
       step = framing.next(bytes)) {
    REQUIRE(step.event != FramingEvent::invalid);
    if (step.event == FramingEvent::end) {
      return true;
    }
    bytes.remove_prefix(step.consumed);
  }
  return false;
}

}  // namespace

bool wait_readable(int fd) {
  pollfd state = {fd, POLLIN, 0};
  return ::poll(&state, 1, kFailureTimeoutMs) > 0;
}

ScriptedPlatform::ScriptedPlatform() {
  auto listener = listen_on_loopback();
  REQUIRE(listener);
  listener_ = std::move(listener->fd);
  port_ = listener->port;
}

std::string ScriptedPlatform::address() const {
  return fmt::format("127.0.0.1:{}", port_);
}

std::string ScriptedPlatform::next_request() {
  std::string bytes;
  while (!is_whole(bytes)) {
    if (!connection_) {
      REQUIRE_MESSAGE(wait_readable(listener_.get()), "no connection came");
      auto accepted = accept_tcp(listener_.get());
      REQUIRE(accepted);
      connection_ = std::move(*accepted);
    }
    REQUIRE_MESSAGE(wait_readable(connection_.get()), "no request came; so far: ", bytes);
    std::array<char, 4096> buffer;
    const ssize_t size = ::recv(connection_.get(), buffer.data(), buffer.size(), 0);
    if (size <= 0) {
      REQUIRE(bytes.empty());
      connection_.reset();
      continue;
    }
    bytes.append(buffer.data(), static_cast<std::size_t>(size));
  }
  return bytes;
}

void ScriptedPlatform::await_bytes() {
  REQUIRE(connection_);
  REQUIRE_MESSAGE(wait_readable(connection_.get()), "no request came");
}

bool ScriptedPlatform::has_request() {
  char byte = 0;
  if (connection_ && ::recv(connection_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) {
    connection_.reset();
  }
  if (!connection_ && listener_ && readable_now(listener_.get())) {
    connection_ = std::move(*accept_tcp(listener_.get()));
  }
  return connection_ && readable_now(connection_.get());
}

void ScriptedPlatform::send(std::string_view bytes) const {
  REQUIRE(::send(connection_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(bytes.size()));
}

void ScriptedPlatform::answer(int status,
                              std::string_view body,
                              std::string_view more_fields) const {
  send(fmt::format("HTTP/1.1 {} Whatever\r\nContent-Length: {}\r\n{}\r\n{}",
                   status,
                   body.size(),
                   more_fields,
                   body));
}

void ScriptedPlatform::accept_registration() {
  const std::string request = next_request();
  CHECK(request.find("POST /2020-01-01/extension/register HTTP/1.1\r\n") == 0);
  answer(200, R"({"functionName":"demo"})", "Lambda-Extension-Identifier: id-1\r\n");
}

void ScriptedPlatform::refuse_registration() {
  static_cast<void>(next_request());
  answer(403,
         R"({"errorMessage":"Extension registration closed already",)"
         R"("errorType":"Extension.RegistrationClosed"})");
}

void ScriptedPlatform::send_invoke(std::string_view request_id) const {
  answer(200,
         fmt::format(R"({{"eventType":"INVOKE","deadlineMs":1,"requestId":"{}"}})", request_id),
         "Lambda-Extension-Event-Identifier: e-1\r\n");
}

void ScriptedPlatform::expect_poll() {
  const std::string request = next_request();
  CHECK(request.find("GET /2020-01-01/extension/event/next HTTP/1.1\r\n") == 0);
  CHECK(request.find("\r\nLambda-Extension-Identifier: id-1\r\n") != std::string::npos);
}

}  // namespace postlude::testing
