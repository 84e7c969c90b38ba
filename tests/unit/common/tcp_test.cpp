#include "common/tcp.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>

#include <cstring>

namespace postlude {
namespace {

constexpr int kPatienceMs = 30'000;

bool wait_for(int fd, short events) {
  pollfd watched = {fd, events, 0};
  return ::poll(&watched, 1, kPatienceMs) == 1;
}

int option(int fd, int level, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  REQUIRE(::getsockopt(fd, level, name, &value, &size) == 0);
  return value;
}

void check_flags(int fd) {
  CHECK((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
  CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("addresses are host and port, as a literal or as a name") {
  for (const auto* text : {"127.0.0.1:9001", "localhost:9001"}) {
    CAPTURE(text);
    const auto address = resolve_tcp(text);
    REQUIRE(address);
    REQUIRE(address->storage.ss_family == AF_INET);
    sockaddr_in seen = {};
    std::memcpy(&seen, &address->storage, sizeof seen);
    CHECK(ntohs(seen.sin_port) == 9001);
    CHECK(ntohl(seen.sin_addr.s_addr) == INADDR_LOOPBACK);
  }
}

TEST_CASE("anything that is not host and port is refused, and named") {
  for (const auto* text : {"",
                           ":",
                           ":9001",
                           "host",
                           "127.0.0.1",
                           "127.0.0.1:",
                           "127.0.0.1:0",
                           "127.0.0.1:65536",
                           "127.0.0.1:90x",
                           "127.0.0.1:-1",
                           "127.0.0.1:9001/",
                           "http://127.0.0.1:9001/path"}) {
    CAPTURE(text);
    const auto address = resolve_tcp(text);
    REQUIRE_FALSE(address);
    CHECK(address.error().message.find(text) != std::string::npos);
  }
}

TEST_CASE("a connection is made and accepted, both ends without blocking, delay or inheritance") {
  const auto listener = listen_on_loopback();
  REQUIRE(listener);
  CHECK(listener->port != 0);
  check_flags(listener->fd.get());
  const auto nobody = accept_tcp(listener->fd.get());
  REQUIRE_FALSE(nobody);
  CHECK(nobody.error().code == ErrorCode::would_block);

  const auto address = resolve_tcp(fmt::format("127.0.0.1:{}", listener->port));
  REQUIRE(address);
  const auto client = start_connect(*address);
  REQUIRE(client);
  REQUIRE(wait_for(listener->fd.get(), POLLIN));
  const auto server = accept_tcp(listener->fd.get());
  REQUIRE(server);
  REQUIRE(wait_for(client->get(), POLLOUT));
  CHECK(connect_error(client->get()) == 0);
  for (const int fd : {client->get(), server->get()}) {
    check_flags(fd);
    CHECK(option(fd, IPPROTO_TCP, TCP_NODELAY) != 0);
  }
  REQUIRE(::send(client->get(), "hi", 2, MSG_NOSIGNAL) == 2);
  REQUIRE(wait_for(server->get(), POLLIN));
  char bytes[3] = {};
  CHECK(::recv(server->get(), bytes, 2, 0) == 2);
  CHECK(std::string_view(bytes) == "hi");
}

TEST_CASE("a refused connection is an error, at once or when it is ready") {
  std::uint16_t port = 0;
  {
    const auto listener = listen_on_loopback();
    REQUIRE(listener);
    port = listener->port;
  }
  const auto address = resolve_tcp(fmt::format("127.0.0.1:{}", port));
  REQUIRE(address);
  const auto client = start_connect(*address);
  if (client) {
    REQUIRE(wait_for(client->get(), POLLOUT));
    CHECK(connect_error(client->get()) == ECONNREFUSED);
  }
}

TEST_CASE("a burst of a hundred connections waits in the backlog") {
  const auto listener = listen_on_loopback();
  REQUIRE(listener);
  const auto address = resolve_tcp(fmt::format("127.0.0.1:{}", listener->port));
  REQUIRE(address);
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 100; ++i) {
    auto client = start_connect(*address);
    REQUIRE(client);
    REQUIRE(wait_for(client->get(), POLLOUT));
    REQUIRE(connect_error(client->get()) == 0);
    clients.push_back(std::move(*client));
  }
  int accepted = 0;
  while (accept_tcp(listener->fd.get())) {
    ++accepted;
  }
  CHECK(accepted == 100);
}

}  // namespace
}  // namespace postlude
