#include "tests/unit/extension/http_bench.h"

#include <doctest/doctest.h>

#include <atomic>
#include <barrier>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace postlude::extension {
using namespace std::chrono_literals;
using testing::always;
using testing::http_answer;
using testing::HttpBench;
using testing::HttpPeer;
using testing::PeerConnection;
using Kind = HttpFailure::Kind;

namespace {

/// The same test by HTTP and by HTTPS.
struct Both {
  Both(HttpBench& bench, bool with_tls, HttpPeer::Script script)
      : scheme(with_tls ? "https" : "http") {
    if (with_tls) {
      peer = bench.secure_peer(std::move(script));
    } else {
      peer = std::make_unique<HttpPeer>(std::move(script));
    }
  }

  [[nodiscard]] HttpRequest request() const { return HttpBench::request(scheme, *peer, "/"); }

  std::string scheme;
  std::unique_ptr<HttpPeer> peer;
};

/// Answers one request, then reads a second one and says `last` before it closes.
HttpPeer::Script answers_once(std::string last) {
  return [last = std::move(last)](PeerConnection& connection) {
    connection.read_request();
    connection.write(http_answer("ok"));
    if (!connection.read_request().empty() && !last.empty()) {
      connection.write(last);
    }
  };
}

}  // namespace

TEST_CASE("calls one after the other share a connection until all are closed") {
  HttpBench bench;
  for (const bool tls : {false, true}) {
    CAPTURE(tls);
    const Both both(bench, tls, always(http_answer("ok")));
    for (int i = 0; i < 3; ++i) {
      CHECK(bench.body(both.request()) == "ok");
    }
    CHECK(both.peer->connections() == 1);
    bench.connections().close_all();
    CHECK(bench.body(both.request()) == "ok");
    CHECK(both.peer->connections() == 2);
  }
}

TEST_CASE("calls at once have a connection each") {
  constexpr int kCalls = 4;
  HttpBench bench;
  std::barrier together(kCalls);
  const auto peer = bench.secure_peer([&](PeerConnection& connection) {
    while (!connection.read_request().empty()) {
      together.arrive_and_wait();
      connection.write(http_answer("ok"));
    }
  });
  for (int round = 0; round < 2; ++round) {
    std::vector<std::future<bool>> calls;
    calls.reserve(kCalls);
    for (int i = 0; i < kCalls; ++i) {
      calls.push_back(std::async(std::launch::async, [&] {
        return bench.perform(HttpBench::request("https", *peer, "/")).has_value();
      }));
    }
    for (auto& call : calls) {
      CHECK(call.get());
    }
  }
  CHECK(peer->connections() == kCalls);
}

TEST_CASE("a connection in use while all are closed is not kept") {
  HttpBench bench;
  std::promise<void> asked;
  std::promise<void> may_answer;
  HttpPeer peer([&](PeerConnection& connection) {
    connection.read_request();
    asked.set_value();
    may_answer.get_future().wait();
    connection.write(http_answer("ok"));
    connection.wait_until_closed();
  });
  auto call = std::async(std::launch::async,
                         [&] { return bench.perform(HttpBench::request("http", peer, "/")); });
  asked.get_future().wait();
  bench.connections().close_all();
  may_answer.set_value();
  CHECK(call.get()->body == "ok");
  // The script has come to its end: the connection was closed on this side.
}

TEST_CASE("a kept connection that breaks before its answer is replaced once") {
  HttpBench bench;
  for (const bool tls : {false, true}) {
    CAPTURE(tls);
    const Both both(bench, tls, answers_once(""));
    CHECK(bench.perform(both.request()));
    CHECK(bench.perform(both.request()));
    CHECK(both.peer->connections() == 2);
  }
}

TEST_CASE("the replacement is not replaced itself") {
  HttpBench bench;
  for (const bool tls : {false, true}) {
    CAPTURE(tls);
    std::atomic<int> taken = 0;
    const Both both(bench, tls, [&](PeerConnection& connection) {
      const bool first = ++taken == 1;
      connection.read_request();
      if (first) {
        connection.write(http_answer("ok"));
        connection.read_request();
      }
    });
    CHECK(bench.perform(both.request()));
    const auto answer = bench.perform(both.request());
    REQUIRE_FALSE(answer);
    CHECK(answer.error().kind == Kind::unreachable);
    CHECK(answer.error().why == "localhost:" + std::to_string(both.peer->port()) +
                                    " closed the connection without an answer");
    CHECK(both.peer->connections() == 2);
  }
}

TEST_CASE("a new connection that breaks is not replaced: the request may have been carried out") {
  HttpBench bench;
  for (const bool tls : {false, true}) {
    CAPTURE(tls);
    const Both both(bench, tls, [](PeerConnection& connection) { connection.read_request(); });
    const auto answer = bench.perform(both.request());
    REQUIRE_FALSE(answer);
    CHECK(answer.error().kind == Kind::unreachable);
    CHECK(both.peer->connections() == 1);
  }
}

TEST_CASE("a kept connection that breaks within its answer is not replaced") {
  HttpBench bench;
  for (const bool tls : {false, true}) {
    for (const char* part : {"HT",
                             "HTTP/1.1 200 OK\r\n",
                             "HTTP/1.1 200 OK\r\nA: b\r\n\r",
                             "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"}) {
      CAPTURE(tls);
      CAPTURE(part);
      const Both both(bench, tls, answers_once(part));
      CHECK(bench.perform(both.request()));
      const auto answer = bench.perform(both.request());
      REQUIRE_FALSE(answer);
      CHECK(answer.error().kind == Kind::unreachable);
      CHECK(both.peer->connections() == 1);
    }
  }
}

TEST_CASE("a connection that its server closed after an answer is not used again") {
  HttpBench bench;
  for (const char* field : {"", "Connection: close\r\n", "Connection: Close\r\n"}) {
    for (const bool tls : {false, true}) {
      CAPTURE(field);
      CAPTURE(tls);
      std::atomic<int> requests = 0;
      const Both both(bench, tls, [&](PeerConnection& connection) {
        connection.read_request();
        ++requests;
        connection.write(http_answer("ok", field));
      });
      CHECK(bench.perform(both.request()));
      CHECK(bench.perform(both.request()));
      CHECK(requests == 2);
      CHECK(both.peer->connections() == 2);
    }
  }
}

TEST_CASE("bytes that nobody asked for are not taken for the next answer") {
  HttpBench bench;
  for (const bool tls : {false, true}) {
    CAPTURE(tls);
    std::promise<void> sent;
    std::atomic<int> requests = 0;
    const Both both(bench, tls, [&](PeerConnection& connection) {
      while (!connection.read_request().empty()) {
        const bool first = ++requests == 1;
        connection.write(http_answer(first ? "one" : "two"));
        if (first) {
          connection.write(http_answer("smuggled"));
          sent.set_value();
        }
      }
    });
    CHECK(bench.body(both.request()) == "one");
    sent.get_future().wait();
    CHECK(bench.body(both.request()) == "two");
  }
}

TEST_CASE("origins have connections of their own") {
  HttpBench bench;
  HttpPeer one(always(http_answer("one")));
  HttpPeer two(always(http_answer("two")));
  CHECK(bench.body(HttpBench::request("http", one, "/")) == "one");
  CHECK(bench.body(HttpBench::request("http", two, "/")) == "two");
  bench.set_addresses("alias", {{"127.0.0.1"}});
  CHECK(bench.body(HttpBench::request("http://alias:" + std::to_string(one.port()))) == "one");
  CHECK(one.connections() == 2);
  CHECK(bench.body(HttpBench::request("http", one, "/")) == "one");
  CHECK(one.connections() == 2);
}

}  // namespace postlude::extension
