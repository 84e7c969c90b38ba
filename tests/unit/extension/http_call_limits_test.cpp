#include "common/tcp.h"
#include "tests/unit/extension/http_bench.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <poll.h>

#include <future>
#include <string>

namespace postlude::extension {
using namespace std::chrono_literals;
using testing::always;
using testing::http_answer;
using testing::HttpBench;
using testing::HttpPeer;
using testing::PeerConnection;
using Kind = HttpFailure::Kind;

namespace {

constexpr Millis kTime = 250ms;
/// On a loaded machine; far below what each wait of its own would allow.
constexpr Millis kLate = 10s;

/// Must end by its deadline.
std::string why_late(HttpBench& bench, const HttpRequest& request, Millis time = kTime) {
  const EpochTime begin = now();
  const auto answer = bench.perform(request, time);
  const Millis took = now() - begin;
  CHECK(took >= time - 1ms);
  CHECK(took < time + kLate);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == Kind::timed_out);
  return answer.error().why;
}

/// Writes a byte now and then until the other side is gone.
void drip(PeerConnection& connection) {
  pollfd closed = {connection.fd(), POLLRDHUP, 0};
  while (connection.write("x") && ::poll(&closed, 1, 20) == 0) {
  }
}

/// A port of 127.0.0.1 whose queue is full: connections to it are never accepted.
class FullPort {
 public:
  FullPort() {
    auto listener = listen_on_loopback();
    REQUIRE(listener);
    REQUIRE(::listen(listener->fd.get(), 0) == 0);
    listener_ = std::move(listener->fd);
    port_ = listener->port;
    const auto address = resolve_tcp(fmt::format("127.0.0.1:{}", port_));
    REQUIRE(address);
    for (int i = 0; i < 4; ++i) {
      auto connection = start_connect(*address);
      REQUIRE(connection);
      queued_.push_back(std::move(*connection));
    }
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  UniqueFd listener_;
  std::uint16_t port_ = 0;
  std::vector<UniqueFd> queued_;
};

}  // namespace

TEST_CASE("a server that accepts and never answers is given up at the deadline") {
  HttpBench bench;
  const HttpPeer::Script silent = [](PeerConnection& connection) {
    connection.read_request();
    connection.wait_until_closed();
  };
  HttpPeer plain(silent);
  CHECK(why_late(bench, HttpBench::request("http", plain, "/secret")) ==
        fmt::format("localhost:{} did not answer in time", plain.port()));
  const auto secure = bench.secure_peer(silent);
  CHECK(why_late(bench, HttpBench::request("https", *secure, "/secret")) ==
        fmt::format("localhost:{} did not answer in time", secure->port()));
  CHECK(plain.connections() == 1);
  CHECK(secure->connections() == 1);
}

TEST_CASE("a kept connection that falls silent is given up at the deadline, too") {
  HttpBench bench;
  HttpPeer peer([](PeerConnection& connection) {
    connection.read_request();
    connection.write(http_answer("ok"));
    connection.read_request();
    connection.wait_until_closed();
  });
  CHECK(bench.perform(HttpBench::request("http", peer, "/")));
  CHECK(why_late(bench, HttpBench::request("http", peer, "/")) ==
        fmt::format("localhost:{} did not answer in time", peer.port()));
  CHECK(peer.connections() == 1);
}

TEST_CASE("bodies that never end, fast or byte by byte, are given up at the deadline") {
  HttpBench bench;
  for (const bool tls : {false, true}) {
    CAPTURE(tls);
    const HttpPeer::Script dripping = [](PeerConnection& connection) {
      connection.read_request();
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
      drip(connection);
    };
    const HttpPeer::Script flooding = [](PeerConnection& connection) {
      const std::string much(65536, 'x');
      connection.read_request();
      connection.write("HTTP/1.1 200 OK\r\n\r\n");
      while (connection.write(much)) {
      }
    };
    for (const auto& script : {dripping, flooding}) {
      const auto peer = tls ? bench.secure_peer(script) : std::make_unique<HttpPeer>(script);
      CHECK(why_late(bench, HttpBench::request(tls ? "https" : "http", *peer, "/")) ==
            fmt::format("the answer of localhost:{} did not end in time", peer->port()));
    }
  }
}

TEST_CASE("a head that comes byte by byte is given up at the deadline") {
  HttpBench bench;
  HttpPeer peer([](PeerConnection& connection) {
    connection.read_request();
    connection.write("HTTP/1.1 200 OK\r\nX: ");
    drip(connection);
  });
  CHECK(why_late(bench, HttpBench::request("http", peer, "/")) ==
        fmt::format("the answer of localhost:{} did not end in time", peer.port()));
}

TEST_CASE("a TLS handshake that never begins or comes byte by byte is given up at the deadline") {
  HttpBench bench;
  HttpPeer silent([](PeerConnection& connection) { connection.wait_until_closed(); });
  CHECK(why_late(bench, HttpBench::request("https", silent, "/")) ==
        fmt::format("no connection to localhost:{} in time", silent.port()));
  HttpPeer dripping([](PeerConnection& connection) {
    connection.write(std::string("\x16\x03\x03\x40\x00", 5));
    drip(connection);
  });
  CHECK(why_late(bench, HttpBench::request("https", dripping, "/")) ==
        fmt::format("no connection to localhost:{} in time", dripping.port()));
}

TEST_CASE("a server that never reads a large body is given up at the deadline") {
  HttpBench bench;
  std::promise<void> over;
  const std::shared_future<void> until = over.get_future().share();
  const HttpPeer::Script unread = [until](PeerConnection& /*connection*/) { until.wait(); };
  HttpPeer plain(unread);
  const auto secure = bench.secure_peer(unread);
  HttpRequest request = HttpBench::request("http", plain, "/");
  request.body.assign(std::size_t{32} << 20, 'x');
  CHECK(why_late(bench, request) ==
        fmt::format("localhost:{} did not answer in time", plain.port()));
  request.url = HttpBench::request("https", *secure, "/").url;
  CHECK(why_late(bench, request) ==
        fmt::format("localhost:{} did not answer in time", secure->port()));
  over.set_value();
}

TEST_CASE("a connection that is never accepted is given up at the deadline") {
  HttpBench bench;
  const FullPort full;
  const auto request = HttpBench::request(fmt::format("http://localhost:{}/", full.port()));
  CHECK(why_late(bench, request) ==
        fmt::format("no connection to localhost:{} in time", full.port()));
}

TEST_CASE("an address that does not answer leaves time for the next one") {
  HttpBench bench;
  const FullPort full;
  // The same port on the second address, which is free there.
  auto listener = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto second = resolve_tcp(fmt::format("127.0.0.2:{}", full.port()));
  REQUIRE(second);
  // NOLINTNEXTLINE(*-reinterpret-cast): sockets API
  REQUIRE(::bind(listener.get(),
                 reinterpret_cast<const sockaddr*>(&second->storage),
                 second->size) == 0);
  REQUIRE(::listen(listener.get(), 1) == 0);
  auto answering = std::async(std::launch::async, [&] {
    auto accepted = accept_tcp(listener.get());
    pollfd readable = {accepted->get(), POLLIN, 0};
    ::poll(&readable, 1, 30'000);
    const std::string answer = http_answer("second");
    return ::send(accepted->get(), answer.data(), answer.size(), MSG_NOSIGNAL) > 0;
  });
  bench.set_addresses("localhost", {{"127.0.0.1", "127.0.0.2"}});
  const auto request = HttpBench::request(fmt::format("http://localhost:{}/", full.port()));
  const auto answer = bench.perform(request, 2s);
  REQUIRE_MESSAGE(answer, answer.error().why);
  CHECK(answer->body == "second");
  CHECK(answering.get());
}

TEST_CASE("an address that refuses is followed by the next one at once") {
  HttpBench bench;
  HttpPeer peer(always(http_answer("ok")));
  bench.set_addresses("localhost", {{"127.0.0.2", "127.0.0.1"}});
  CHECK(bench.body(HttpBench::request("http", peer, "/")) == "ok");
}

TEST_CASE("a call whose deadline has passed is not begun") {
  HttpBench bench;
  HttpPeer peer(always(http_answer("ok")));
  const auto answer = bench.perform(HttpBench::request("http", peer, "/"), 0ms);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == Kind::timed_out);
  CHECK(peer.connections() == 0);
}

TEST_CASE("a call can be stopped from another thread while it waits") {
  HttpBench bench;
  for (const bool tls : {false, true}) {
    CAPTURE(tls);
    std::promise<void> asked;
    const HttpPeer::Script script = [&](PeerConnection& connection) {
      connection.read_request();
      asked.set_value();
      connection.wait_until_closed();
    };
    const auto peer = tls ? bench.secure_peer(script) : std::make_unique<HttpPeer>(script);
    HttpCall call;
    auto answer = std::async(std::launch::async, [&] {
      return bench.perform(HttpBench::request(tls ? "https" : "http", *peer, "/"), 30s, call);
    });
    asked.get_future().wait();
    const EpochTime begin = now();
    call.stop();
    const auto result = answer.get();
    CHECK(now() - begin < kLate);
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == Kind::stopped);
    CHECK(peer->connections() == 1);
  }
}

TEST_CASE("a call can be stopped while it connects") {
  HttpBench bench;
  const FullPort full;
  HttpCall call;
  const auto request = HttpBench::request(fmt::format("http://localhost:{}/", full.port()));
  auto answer = std::async(std::launch::async, [&] { return bench.perform(request, 30s, call); });
  // At whatever point it is.
  CHECK(answer.wait_for(50ms) == std::future_status::timeout);
  call.stop();
  REQUIRE(answer.wait_for(kLate) == std::future_status::ready);
  CHECK(answer.get().error().kind == Kind::stopped);
}

TEST_CASE("a call that was stopped before it began does not begin") {
  HttpBench bench;
  HttpPeer peer(always(http_answer("ok")));
  HttpCall call;
  call.stop();
  const auto answer = bench.perform(HttpBench::request("http", peer, "/"), 30s, call);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == Kind::stopped);
  CHECK(peer.connections() == 0);
}

}  // namespace postlude::extension
