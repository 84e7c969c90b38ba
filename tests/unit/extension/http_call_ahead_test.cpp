#include "tests/unit/extension/http_bench.h"

#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <memory>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>

namespace postlude::extension {
using namespace std::chrono_literals;
using testing::http_answer;
using testing::HttpBench;
using testing::HttpPeer;
using testing::PeerConnection;

namespace {

/// Says when a connection stands, and plays `script` on it.
class Announced {
 public:
  Announced(HttpBench& bench, bool with_tls, HttpPeer::Script script)
      : scheme_(with_tls ? "https" : "http") {
    const HttpPeer::Script announcing = [this,
                                         script = std::move(script)](PeerConnection& connection) {
      stands_.release();
      script(connection);
    };
    peer_ = with_tls ? bench.secure_peer(announcing) : std::make_unique<HttpPeer>(announcing);
  }
  void wait() { stands_.acquire(); }
  [[nodiscard]] HttpRequest request() const { return HttpBench::request(scheme_, *peer_, "/"); }
  [[nodiscard]] std::size_t connections() const { return peer_->connections(); }

 private:
  std::string scheme_;
  std::counting_semaphore<> stands_{0};
  std::unique_ptr<HttpPeer> peer_;
};

/// Opens one on a thread of its own, as a worker does.
std::jthread open_ahead(HttpBench& bench, const HttpRequest& request, HttpCall& call) {
  return std::jthread([&bench, &call, url = request.url] {
    bench.connections().open_ahead(url, now() + 30s, call);
  });
}

void answer_all(PeerConnection& connection) {
  while (!connection.read_request().empty()) {
    connection.write(http_answer("ok"));
  }
}

}  // namespace

TEST_CASE("a connection that was opened ahead serves the next call, and those behind it") {
  HttpBench bench;
  for (const bool tls : {false, true}) {
    CAPTURE(tls);
    Announced peer(bench, tls, answer_all);
    HttpCall opening;
    {
      const auto opener = open_ahead(bench, peer.request(), opening);
      peer.wait();
      CHECK(bench.body(peer.request()) == "ok");
    }
    CHECK(bench.body(peer.request()) == "ok");
    CHECK(peer.connections() == 1);
    bench.connections().close_all();
  }
}

TEST_CASE("calls at once take a connection each of those that were opened") {
  HttpBench bench;
  Announced peer(bench, true, answer_all);
  HttpCall opening;
  {
    const auto first = open_ahead(bench, peer.request(), opening);
    const auto second = open_ahead(bench, peer.request(), opening);
    peer.wait();
    peer.wait();
    auto other = std::async(std::launch::async, [&] { return bench.body(peer.request()); });
    CHECK(bench.body(peer.request()) == "ok");
    CHECK(other.get() == "ok");
    bench.connections().close_all();
  }
  CHECK(peer.connections() == 2);
}

TEST_CASE("a connection that nobody used is closed with the others, or when its call is stopped") {
  HttpBench bench;
  for (const bool stopped : {false, true}) {
    CAPTURE(stopped);
    std::promise<std::string> seen;
    Announced peer(bench, false, [&](PeerConnection& connection) {
      seen.set_value(connection.read_request());
    });
    HttpCall opening;
    {
      const auto opener = open_ahead(bench, peer.request(), opening);
      peer.wait();
      if (stopped) {
        opening.stop();
      } else {
        bench.connections().close_all();
      }
    }
    CHECK(seen.get_future().get().empty());
  }
}

TEST_CASE("one that broke meanwhile, or could not be opened, is replaced by the call") {
  HttpBench bench;
  std::atomic<int> taken = 0;
  std::promise<void> closed;
  Announced peer(bench, false, [&](PeerConnection& connection) {
    if (++taken > 1) {
      answer_all(connection);
    } else {
      closed.set_value();
    }
  });
  HttpCall opening;
  {
    const auto opener = open_ahead(bench, peer.request(), opening);
    peer.wait();
    closed.get_future().wait();
    CHECK(bench.body(peer.request()) == "ok");
  }
  CHECK(peer.connections() == 2);
  HttpCall stopped;
  stopped.stop();
  bench.connections().open_ahead(peer.request().url, now() + 30s, stopped);
  CHECK(bench.body(peer.request()) == "ok");
}

TEST_CASE("the call that uses one is stopped as any other") {
  HttpBench bench;
  Announced peer(bench, false, [](PeerConnection& connection) {
    static_cast<void>(connection.read_request());
    connection.wait_until_closed();
  });
  HttpCall opening;
  const auto opener = open_ahead(bench, peer.request(), opening);
  peer.wait();
  const auto answer = bench.perform(peer.request(), 100ms);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == HttpFailure::Kind::timed_out);
  CHECK(peer.connections() == 1);
}

}  // namespace postlude::extension
