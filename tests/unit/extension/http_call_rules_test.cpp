#include "tests/unit/extension/http_bench.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

namespace postlude::extension {
using namespace std::chrono_literals;
using testing::always;
using testing::http_answer;
using testing::HttpBench;
using testing::HttpPeer;
using Kind = HttpFailure::Kind;

namespace {

AllowedHosts allow(const std::vector<std::string>& entries) {
  auto parsed = AllowedHosts::parse(entries);
  REQUIRE(parsed);
  return std::move(*parsed);
}

/// Of a call that must be refused without a connection.
std::string why_refused(HttpBench& bench, const HttpRequest& request) {
  const auto answer = bench.perform(request);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == Kind::refused);
  return answer.error().why;
}

}  // namespace

TEST_CASE("a host that comes from a template is called with TLS only") {
  HttpBench bench;
  HttpPeer peer(always(http_answer("")));
  const AllowedHosts allowed = allow({"localhost", "127.0.0.0/8"});
  HttpRequest request = HttpBench::request("http", peer, "/secret");
  request.allowed = &allowed;
  CHECK(why_refused(bench, request) ==
        fmt::format("localhost:{} is not called without TLS: its name comes from a template",
                    peer.port()));
  CHECK(peer.connections() == 0);
}

TEST_CASE("a host that comes from a template must be listed, its address too unless it is public") {
  HttpBench bench;
  const auto peer = bench.secure_peer(always(http_answer("ok")));
  HttpRequest request = HttpBench::request("https", *peer, "/");
  const AllowedHosts none = allow({"hooks.slack.com"});
  request.allowed = &none;
  CHECK(why_refused(bench, request) == "localhost is not in allowHosts");
  const AllowedHosts name = allow({"localhost"});
  request.allowed = &name;
  CHECK(why_refused(bench, request) ==
        "localhost: 127.0.0.1 is a loopback address, list it in allowHosts");
  CHECK(peer->connections() == 0);
  const AllowedHosts both = allow({"localhost", "127.0.0.1"});
  request.allowed = &both;
  CHECK(bench.body(request) == "ok");
}

TEST_CASE("hostile spellings of inner addresses are refused before anything is connected") {
  HttpBench bench;
  const AllowedHosts allowed = allow({"*"});
  for (const char* host : {"169.254.170.2",
                           "169.254.169.254",
                           "127.0.0.1",
                           "[::1]",
                           "[::]",
                           "[::ffff:10.0.0.1]",
                           "[::ffff:a9fe:aa02]",
                           "2130706433",
                           "0x7f.1",
                           "0177.0.0.1",
                           "127.1",
                           "0",
                           "10.0.0.1",
                           "192.168.0.1",
                           "100.64.0.1",
                           "[fd00:ec2::254]",
                           "[fe80::1]",
                           "[64:ff9b::7f00:1]",
                           "[2002:7f00:1::]",
                           "224.0.0.1",
                           "255.255.255.255"}) {
    CAPTURE(host);
    HttpRequest request = HttpBench::request(fmt::format("https://{}/", host));
    request.allowed = &allowed;
    const std::string why = why_refused(bench, request);
    CHECK(why.find(" address, list it in allowHosts") != std::string::npos);
  }
}

TEST_CASE("a name that resolves differently the second time is judged the second time") {
  HttpBench bench;
  const auto peer = bench.secure_peer(always(http_answer("ok")));
  const AllowedHosts allowed = allow({"localhost", "127.0.0.1"});
  bench.set_addresses("localhost", {{"127.0.0.1"}, {"169.254.170.2"}});
  HttpRequest request = HttpBench::request("https", *peer, "/");
  request.allowed = &allowed;
  CHECK(bench.body(request) == "ok");
  bench.connections().close_all();
  CHECK(why_refused(bench, request) ==
        "localhost: 169.254.170.2 is a link-local address, list it in allowHosts");
}

TEST_CASE("of several addresses only those that are allowed are connected to") {
  HttpBench bench;
  const auto peer = bench.secure_peer(always(http_answer("ok")));
  const AllowedHosts allowed = allow({"localhost", "127.0.0.1"});
  bench.set_addresses("localhost", {{"10.255.255.1", "127.0.0.1"}});
  HttpRequest request = HttpBench::request("https", *peer, "/");
  request.allowed = &allowed;
  CHECK(bench.body(request, 5s) == "ok");
}

TEST_CASE("a connection that a trusted host opened does not serve one from a template") {
  HttpBench bench;
  const auto peer = bench.secure_peer(always(http_answer("ok")));
  HttpRequest request = HttpBench::request("https", *peer, "/");
  CHECK(bench.body(request) == "ok");
  const AllowedHosts allowed = allow({"localhost"});
  request.allowed = &allowed;
  CHECK(why_refused(bench, request).find("127.0.0.1 is a loopback address") != std::string::npos);
  CHECK(peer->connections() == 1);
}

TEST_CASE("a literal host is trusted, whatever its address") {
  HttpBench bench;
  HttpPeer peer(always(http_answer("ok")));
  CHECK(bench.body(HttpBench::request(fmt::format("http://127.0.0.1:{}/", peer.port()))) == "ok");
}

}  // namespace postlude::extension
