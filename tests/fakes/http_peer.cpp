#include "tests/fakes/http_peer.h"

#include "common/http_framing.h"
#include "common/tcp.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <openssl/ssl.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <csignal>
#include <optional>

namespace postlude::testing {
namespace {

/// Where the first message of `bytes` ends.
std::optional<std::size_t> end_of_request(std::string_view bytes) {
  HttpFraming framing(MessageKind::request);
  std::size_t at = 0;
  while (true) {
    const FramingStep step = framing.next(bytes.substr(at));
    at += step.consumed;
    if (step.event == FramingEvent::end) {
      return at;
    }
    if (step.event == FramingEvent::need_more || step.event == FramingEvent::invalid) {
      return std::nullopt;
    }
  }
}

SSL_CTX* context_of(const Credentials& credentials) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  REQUIRE(SSL_CTX_use_certificate(context, credentials.certificate.get()) == 1);
  REQUIRE(SSL_CTX_use_PrivateKey(context, credentials.key.get()) == 1);
  return context;
}

}  // namespace

PeerConnection::PeerConnection(UniqueFd socket, SSL_CTX* tls) : socket_(std::move(socket)) {
  if (tls != nullptr) {
    session_ = SSL_new(tls);
    SSL_set_fd(session_, socket_.get());
    static_cast<void>(SSL_accept(session_));
  }
}

PeerConnection::~PeerConnection() {
  if (session_ != nullptr) {
    if (SSL_is_init_finished(session_) == 1) {
      static_cast<void>(SSL_shutdown(session_));
    }
    SSL_free(session_);
  }
  ::shutdown(socket_.get(), SHUT_RDWR);
}

std::string PeerConnection::read_request() {
  std::array<char, 65536> buffer = {};
  while (true) {
    if (const auto end = end_of_request(read_)) {
      std::string request = read_.substr(0, *end);
      read_.erase(0, *end);
      return request;
    }
    const ssize_t size = session_ != nullptr
                             ? SSL_read(session_, buffer.data(), static_cast<int>(buffer.size()))
                             : ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (size <= 0) {
      return {};
    }
    read_.append(buffer.data(), static_cast<std::size_t>(size));
  }
}

bool PeerConnection::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size = session_ != nullptr
                             ? SSL_write(session_, bytes.data(), static_cast<int>(bytes.size()))
                             : ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size <= 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

void PeerConnection::wait_until_closed() {
  std::array<char, 65536> buffer = {};
  while (::recv(socket_.get(), buffer.data(), buffer.size(), 0) > 0) {
  }
}

void HttpPeer::FreeContext::operator()(SSL_CTX* context) const {
  SSL_CTX_free(context);
}

HttpPeer::HttpPeer(Script script) : HttpPeer(std::move(script), static_cast<SSL_CTX*>(nullptr)) {}

HttpPeer::HttpPeer(Script script, const Credentials& credentials)
    : HttpPeer(std::move(script), context_of(credentials)) {}

HttpPeer::HttpPeer(Script script, SSL_CTX* tls)
    : script_(std::move(script)), tls_(tls), stop_(::eventfd(0, EFD_CLOEXEC)) {
  // As in the extension: OpenSSL writes by write(2).
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
  auto listener = listen_on_loopback();
  REQUIRE(listener);
  listener_ = std::move(listener->fd);
  port_ = listener->port;
  acceptor_ = std::jthread([this] { accept(); });
}

HttpPeer::~HttpPeer() {
  const std::uint64_t one = 1;
  CHECK(::write(stop_.get(), &one, sizeof one) == sizeof one);
  acceptor_.join();
  for (const UniqueFd& socket : sockets_) {
    ::shutdown(socket.get(), SHUT_RDWR);
  }
  players_.clear();
}

std::size_t HttpPeer::connections() const {
  const std::lock_guard lock(mutex_);
  return sockets_.size();
}

void HttpPeer::accept() {
  while (true) {
    std::array<pollfd, 2> waiting = {pollfd{listener_.get(), POLLIN, 0},
                                     pollfd{stop_.get(), POLLIN, 0}};
    static_cast<void>(::poll(waiting.data(), waiting.size(), -1));
    if (waiting[1].revents != 0) {
      return;
    }
    auto accepted = accept_tcp(listener_.get());
    if (!accepted) {
      continue;
    }
    ::fcntl(accepted->get(), F_SETFL, 0);
    const std::lock_guard lock(mutex_);
    sockets_.emplace_back(::fcntl(accepted->get(), F_DUPFD_CLOEXEC, 0));
    players_.emplace_back([this, socket = std::move(*accepted)]() mutable {
      PeerConnection connection(std::move(socket), tls_.get());
      script_(connection);
    });
  }
}

HttpPeer::Script always(std::string answer) {
  return [answer = std::move(answer)](PeerConnection& connection) {
    while (!connection.read_request().empty()) {
      connection.write(answer);
    }
  };
}

std::string http_answer(std::string_view body, std::string_view more_fields) {
  return fmt::format(
      "HTTP/1.1 200 OK\r\n{}Content-Length: {}\r\n\r\n{}", more_fields, body.size(), body);
}

}  // namespace postlude::testing
