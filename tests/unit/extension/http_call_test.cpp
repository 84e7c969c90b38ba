#include "extension/http_call.h"

#include "tests/fakes/http_peer.h"
#include "tests/unit/extension/http_bench.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <thread>

namespace postlude::extension {
using namespace std::chrono_literals;
using testing::always;
using testing::http_answer;
using testing::HttpBench;
using testing::HttpPeer;
using testing::PeerConnection;
using Kind = HttpFailure::Kind;

TEST_CASE("a request is sent byte for byte as it was given") {
  std::string seen;
  HttpPeer peer([&](PeerConnection& connection) {
    seen = connection.read_request();
    connection.write(http_answer("ok"));
  });
  HttpBench bench;
  HttpRequest request = bench.request("http", peer, "/a%2fb//c?sig=abc/def+gh,i&&=x&k&k=;%41");
  request.fields = {{"x-b", "2"}, {"X-A", "1"}, {"x-b", "\xc3\xa9 % %0d%0a"}};
  request.body = std::string("a\0b\r\n", 5);
  const auto answer = bench.perform(request);
  REQUIRE(answer);
  CHECK(answer->body == "ok");
  CHECK(seen == fmt::format("POST /a%2fb//c?sig=abc/def+gh,i&&=x&k&k=;%41 HTTP/1.1\r\n"
                            "Host: localhost:{}\r\n"
                            "x-b: 2\r\n"
                            "X-A: 1\r\n"
                            "x-b: \xc3\xa9 % %0d%0a\r\n"
                            "Accept: */*\r\n"
                            "User-Agent: postlude/" POSTLUDE_VERSION "\r\n"
                            "Content-Length: 5\r\n"
                            "\r\n",
                            peer.port()) +
                    request.body);
}

TEST_CASE("a GET without body has no length, and given Accept and User-Agent stand alone") {
  std::string seen;
  HttpPeer peer([&](PeerConnection& connection) {
    seen = connection.read_request();
    connection.write(http_answer(""));
  });
  HttpBench bench;
  HttpRequest request = bench.request("http", peer, "/");
  request.method = "GET";
  request.fields = {{"accept", "text/plain"}, {"user-agent", "me"}};
  REQUIRE(bench.perform(request));
  CHECK(seen == fmt::format("GET / HTTP/1.1\r\nHost: localhost:{}\r\naccept: text/plain\r\n"
                            "user-agent: me\r\n\r\n",
                            peer.port()));
}

TEST_CASE("a large body arrives whole, by HTTP and by HTTPS") {
  const std::string body(std::size_t{3} << 20, 'x');
  std::size_t seen = 0;
  const HttpPeer::Script script = [&](PeerConnection& connection) {
    const std::string request = connection.read_request();
    seen = request.size() - request.find("\r\n\r\n") - 4;
    connection.write(http_answer(""));
  };
  HttpBench bench;
  for (const bool tls : {false, true}) {
    CAPTURE(tls);
    seen = 0;
    auto peer = tls ? bench.secure_peer(script) : std::make_unique<HttpPeer>(script);
    HttpRequest request = bench.request(tls ? "https" : "http", *peer, "/");
    request.body = body;
    REQUIRE(bench.perform(request));
    CHECK(seen == body.size());
  }
}

TEST_CASE("status, fields and body of an answer are handed on") {
  HttpPeer peer(
      always("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nX-Odd: a  b\r\n"
             "Content-Length: 2\r\n\r\nno"));
  HttpBench bench;
  const auto answer = bench.perform(bench.request("http", peer, "/"));
  REQUIRE(answer);
  CHECK(answer->status == 503);
  CHECK(answer->find("retry-after") == "7");
  CHECK(answer->find("X-ODD") == "a  b");
  CHECK_FALSE(answer->find("X-None"));
  CHECK(answer->body == "no");
}

TEST_CASE("redirects are answers, not followed") {
  HttpPeer other(always(http_answer("followed")));
  HttpPeer peer(
      always(fmt::format("HTTP/1.1 307 Go\r\nLocation: http://localhost:{}/\r\n"
                         "Content-Length: 0\r\n\r\n",
                         other.port())));
  HttpBench bench;
  const auto answer = bench.perform(bench.request("http", peer, "/"));
  REQUIRE(answer);
  CHECK(answer->status == 307);
  CHECK(other.connections() == 0);
}

TEST_CASE("bodies are never decompressed") {
  const std::string compressed("\x1f\x8b\x08\x00 not really", 15);
  HttpPeer peer(always(http_answer(compressed, "Content-Encoding: gzip\r\n")));
  HttpBench bench;
  const auto answer = bench.perform(bench.request("http", peer, "/"));
  REQUIRE(answer);
  CHECK(answer->body == compressed);
}

TEST_CASE("chunked bodies, bodies up to the end of the connection and none at all are read") {
  HttpBench bench;
  HttpPeer chunked(
      always("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
             "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"));
  CHECK(bench.body(bench.request("http", chunked, "/")) == "abcde");
  HttpPeer until_close([](PeerConnection& connection) {
    connection.read_request();
    connection.write("HTTP/1.1 200 OK\r\n\r\nall of it");
  });
  CHECK(bench.body(bench.request("http", until_close, "/")) == "all of it");
  const auto secure = bench.secure_peer([](PeerConnection& connection) {
    connection.read_request();
    connection.write("HTTP/1.0 200 ok\r\n\r\nall of it");
  });
  CHECK(bench.body(bench.request("https", *secure, "/")) == "all of it");
  HttpPeer none(always("HTTP/1.1 204 No Content\r\n\r\n"));
  CHECK(bench.perform(bench.request("http", none, "/"))->status == 204);
  HttpPeer head(always("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"));
  HttpRequest request = bench.request("http", head, "/");
  request.method = "HEAD";
  CHECK(bench.perform(request)->body.empty());
}

TEST_CASE("of a large body only the first MiB is kept, and the connection serves on") {
  const std::string body(kMostAnswerBytes * 3 + 17, 'x');
  HttpPeer peer(always(http_answer(body)));
  HttpBench bench;
  for (int i = 0; i < 2; ++i) {
    const auto answer = bench.perform(bench.request("http", peer, "/"));
    REQUIRE(answer);
    CHECK(answer->body.size() == kMostAnswerBytes);
  }
  CHECK(peer.connections() == 1);
}

TEST_CASE("what is no HTTP fails, without a second try") {
  HttpBench bench;
  for (const char* bytes : {"SSH-2.0-OpenSSH\r\n",
                            "HTTP/1.1 2000 OK\r\n\r\n",
                            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
                            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
                            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    CAPTURE(bytes);
    HttpPeer peer([bytes](PeerConnection& connection) {
      connection.read_request();
      connection.write(bytes);
    });
    const auto answer = bench.perform(bench.request("http", peer, "/"));
    REQUIRE_FALSE(answer);
    CHECK(answer.error().kind == Kind::unreachable);
    CHECK(answer.error().why ==
          fmt::format("the answer of localhost:{} was cut short, or is not HTTP", peer.port()));
    CHECK(peer.connections() == 1);
  }
}

TEST_CASE("a refused connection and an unknown name say so, and may be tried again") {
  HttpBench bench;
  std::uint16_t port = 0;
  {
    const HttpPeer gone(always(""));
    port = gone.port();
  }
  const auto refused =
      bench.perform(bench.request(fmt::format("http://localhost:{}/secret?s", port)));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == Kind::unreachable);
  CHECK(refused.error().why == fmt::format("connection to localhost:{} refused", port));

  const auto unknown = bench.perform(bench.request("http://unknown.invalid/secret"));
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().kind == Kind::unreachable);
  CHECK(unknown.error().why == "unknown.invalid: the name does not exist");
}

TEST_CASE("a request that cannot be sent as it is never leaves") {
  HttpPeer peer(always(http_answer("")));
  HttpBench bench;
  HttpRequest request = bench.request("http", peer, "/");
  request.fields = {{"X-A", "a\r\nX-B: b"}};
  const auto answer = bench.perform(request);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == Kind::refused);
  CHECK(answer.error().why == "header X-A has a line break or another control character");
  CHECK(peer.connections() == 0);
}

TEST_CASE("an IPv6 address is called as any other") {
  HttpBench bench;
  const auto answer = bench.perform(bench.request("http://[::1]:1/"));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().why.find("connection to [::1]:1 ") == 0);
}

}  // namespace postlude::extension
