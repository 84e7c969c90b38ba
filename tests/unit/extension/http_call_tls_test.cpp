#include "tests/unit/extension/http_bench.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <sys/socket.h>

#include <future>
#include <string>

namespace postlude::extension {
using namespace std::chrono_literals;
using testing::always;
using testing::CertificateRequest;
using testing::Credentials;
using testing::http_answer;
using testing::HttpBench;
using testing::HttpPeer;
using testing::PeerConnection;
using testing::self_signed;
using testing::signed_by;
using Kind = HttpFailure::Kind;

namespace {

/// A call that is turned down for its certificate, before anything of the request was sent.
std::string why_refused(HttpBench& bench, const Credentials& credentials) {
  std::promise<std::string> seen;
  HttpPeer peer([&](PeerConnection& connection) { seen.set_value(connection.read_request()); },
                credentials);
  auto request = HttpBench::request("https", peer, "/secret");
  request.fields = {{"Authorization", "secret"}};
  const auto answer = bench.perform(request);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == Kind::refused);
  CHECK(answer.error().why.find("secret") == std::string::npos);
  CHECK(seen.get_future().get().empty());
  std::string why = answer.error().why;
  const std::string port = std::to_string(peer.port());
  return why.replace(why.find(port), port.size(), "PORT");
}

}  // namespace

TEST_CASE("a certificate of a trusted authority for the right name is accepted") {
  HttpBench bench;
  const auto peer = bench.secure_peer(always(http_answer("ok")));
  for (const char* host : {"localhost", "127.0.0.1", "2130706433"}) {
    CAPTURE(host);
    const auto answer =
        bench.perform(HttpBench::request(fmt::format("https://{}:{}/", host, peer->port())));
    REQUIRE_MESSAGE(answer, answer.error().why);
    CHECK(answer->body == "ok");
  }
}

TEST_CASE("a wildcard certificate covers one label") {
  HttpBench bench;
  const auto credentials =
      signed_by(bench.authority(), {.common_name = "x", .names = {"DNS:*.example.test"}});
  HttpPeer peer(always(http_answer("ok")), credentials);
  for (const char* host : {"a.example.test", "a.b.example.test", "example.test"}) {
    bench.set_addresses(host, {{"127.0.0.1"}});
    const auto answer =
        bench.perform(HttpBench::request(fmt::format("https://{}:{}/", host, peer.port())));
    CHECK(answer.has_value() == (std::string_view(host) == "a.example.test"));
  }
}

TEST_CASE("a certificate for another name is refused") {
  HttpBench bench;
  CHECK(why_refused(bench,
                    signed_by(bench.authority(),
                              {.common_name = "localhost", .names = {"DNS:other.example"}})) ==
        "certificate of localhost:PORT does not match its name");
  CHECK(why_refused(bench,
                    signed_by(bench.authority(),
                              {.common_name = "localhost", .names = {"IP:127.0.0.1"}})) ==
        "certificate of localhost:PORT does not match its name");
}

TEST_CASE("certificates that are out of their time are refused") {
  HttpBench bench;
  CHECK(why_refused(bench,
                    signed_by(bench.authority(),
                              {.common_name = "localhost",
                               .names = {"DNS:localhost"},
                               .not_before = -7200,
                               .not_after = -3600})) ==
        "certificate of localhost:PORT has expired");
  CHECK(why_refused(bench,
                    signed_by(bench.authority(),
                              {.common_name = "localhost",
                               .names = {"DNS:localhost"},
                               .not_before = 3600,
                               .not_after = 7200})) ==
        "certificate of localhost:PORT is not valid yet");
}

TEST_CASE("certificates of nobody trusted are refused, and the bundle is named") {
  HttpBench bench;
  const std::string expected =
      "certificate of localhost:PORT is not signed by an authority in " + bench.bundle();
  const CertificateRequest request = {.common_name = "localhost", .names = {"DNS:localhost"}};
  CHECK(why_refused(bench, self_signed(request)) == expected);
  CHECK(why_refused(bench, signed_by(self_signed({.common_name = "evil"}), request)) == expected);
  // The right name of the authority, and the wrong key.
  CHECK(why_refused(bench, signed_by(self_signed({.common_name = "a private authority"}), request))
            .find("certificate of localhost:PORT is not ") == 0);
}

TEST_CASE("a bundle that is missing, or holds nothing, is named") {
  HttpBench bench;
  const auto peer = bench.secure_peer(always(http_answer("")));
  const auto request = HttpBench::request("https", *peer, "/");
  const auto why_with = [&](const std::string& bundle) {
    HttpConnections connections(bundle, [](const std::string&) -> Addresses {
      return std::vector<IpAddress>{*parse_ip_address("127.0.0.1")};
    });
    HttpCall call;
    const auto answer = connections.perform(request, now() + 30s, call);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().kind == Kind::refused);
    return answer.error().why;
  };
  CHECK(why_with("/no/such/bundle.pem") ==
        "read CA certificates from /no/such/bundle.pem: No such file or directory");
  const std::string empty = bench.folder().write("empty.pem", "nothing\n");
  CHECK(why_with(empty) == empty + " holds no CA certificates in PEM");
  CHECK(peer->connections() == 0);
}

TEST_CASE("a server without TLS is told from one with a bad certificate, and may be tried again") {
  HttpBench bench;
  HttpPeer peer([](PeerConnection& connection) {
    connection.write("HTTP/1.1 400 Bad Request\r\n\r\n");
    connection.wait_until_closed();
  });
  const auto answer = bench.perform(HttpBench::request("https", peer, "/"));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == Kind::unreachable);
  CHECK(answer.error().why ==
        fmt::format("TLS with localhost:{} failed: wrong version number", peer.port()));
}

TEST_CASE("a body that ends with its connection is cut where TLS did not end properly") {
  HttpBench bench;
  const auto peer = bench.secure_peer([](PeerConnection& connection) {
    connection.read_request();
    connection.write("HTTP/1.0 200 ok\r\n\r\nhalf of");
    ::shutdown(connection.fd(), SHUT_RDWR);
  });
  const auto answer = bench.perform(HttpBench::request("https", *peer, "/"));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == Kind::unreachable);
}

TEST_CASE("a server that hangs up before TLS is done has not answered") {
  HttpBench bench;
  HttpPeer peer([](PeerConnection& /*connection*/) {});
  const auto answer = bench.perform(HttpBench::request("https", peer, "/"));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == Kind::unreachable);
  CHECK(answer.error().why.find(fmt::format("TLS with localhost:{} failed", peer.port())) == 0);
  CHECK(peer.connections() == 1);
}

}  // namespace postlude::extension
