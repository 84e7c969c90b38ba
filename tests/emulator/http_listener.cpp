#include "tests/emulator/http_listener.h"

#include "tests/emulator/http_connection.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <utility>

namespace postlude::emulator {
namespace {

constexpr int kBacklog = 1024;
/// At the limit of connections: how often to look whether one has ended.
constexpr int kFullRetryMs = 10;

Result<UniqueFd> listen_on(std::uint16_t port) {
  UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // A connection of an earlier run may linger on the port; two listeners still exclude each other.
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(socket.get(), kBacklog) != 0) {
    return errno_failure("listen on port", std::to_string(port));
  }
  return socket;
}

Result<std::uint16_t> port_of(const UniqueFd& socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return errno_failure("getsockname", "");
  }
  return ntohs(address.sin_port);
}

}  // namespace

struct HttpListener::Served {
  explicit Served(UniqueFd socket) : connection(std::move(socket)) {}
  HttpConnection connection;
  std::atomic<bool> done = false;
  std::jthread thread;
};

Result<std::unique_ptr<HttpListener>> HttpListener::start(std::uint16_t port, Handler handler) {
  auto socket = listen_on(port);
  if (!socket) {
    return tl::unexpected(socket.error());
  }
  const auto bound = port_of(*socket);
  if (!bound) {
    return tl::unexpected(bound.error());
  }
  return std::unique_ptr<HttpListener>(
      new HttpListener(std::move(*socket), *bound, std::move(handler)));
}

HttpListener::HttpListener(UniqueFd listener, std::uint16_t port, Handler handler)
    : listener_(std::move(listener)),
      wake_(::eventfd(0, EFD_CLOEXEC)),
      port_(port),
      handler_(std::move(handler)),
      acceptor_([this](const std::stop_token& stop) { accept_all(stop); }) {}

HttpListener::~HttpListener() {
  acceptor_.request_stop();
  ::eventfd_write(wake_.get(), 1);
  acceptor_.join();
  shut_connections();
}

void HttpListener::accept_all(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    reap();
    bool full = false;
    {
      const std::lock_guard lock(mutex_);
      full = served_.size() >= kMaxConnections;
    }
    std::array<pollfd, 2> watched{
        {{wake_.get(), POLLIN, 0}, {full ? -1 : listener_.get(), POLLIN, 0}}};
    if (::poll(watched.data(), watched.size(), full ? kFullRetryMs : -1) <= 0 ||
        watched[1].revents == 0) {
      continue;
    }
    UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (socket) {
      serve(std::move(socket));
    }
  }
}

void HttpListener::serve(UniqueFd socket) {
  auto served = std::make_unique<Served>(std::move(socket));
  Served* one = served.get();
  const std::lock_guard lock(mutex_);
  served_.push_back(std::move(served));
  one->thread = std::jthread([this, one] {
    handler_(one->connection);
    one->connection.shut();
    one->done = true;
  });
}

void HttpListener::reap() {
  std::list<std::unique_ptr<Served>> ended;
  const std::lock_guard lock(mutex_);
  for (auto it = served_.begin(); it != served_.end();) {
    auto next = std::next(it);
    if ((*it)->done) {
      ended.splice(ended.end(), served_, it);
    }
    it = next;
  }
}

void HttpListener::shut_connections() {
  const std::lock_guard lock(mutex_);
  for (const auto& served : served_) {
    served->connection.shut();
  }
}

bool HttpListener::quiet() {
  const std::lock_guard lock(mutex_);
  return std::all_of(served_.begin(), served_.end(), [](const auto& served) {
    return served->done || served->connection.idle();
  });
}

}  // namespace postlude::emulator
