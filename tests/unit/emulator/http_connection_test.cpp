#include "tests/emulator/http_connection.h"

#include <doctest/doctest.h>

#include <sys/socket.h>

#include <array>
#include <string>
#include <string_view>

using namespace postlude;            // NOLINT(google-build-using-namespace)
using namespace postlude::emulator;  // NOLINT(google-build-using-namespace)

namespace {

struct Pair {
  UniqueFd client;
  HttpConnection server;
};

Pair connected() {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  return {UniqueFd(ends[0]), HttpConnection(UniqueFd(ends[1]))};
}

void write_to(const UniqueFd& client, std::string_view bytes) {
  REQUIRE(::send(client.get(), bytes.data(), bytes.size(), 0) ==
          static_cast<ssize_t>(bytes.size()));
}

std::string body_of(HttpConnection& connection) {
  std::string body;
  while (true) {
    const auto piece = connection.read_body();
    REQUIRE(piece);
    if (!*piece) {
      return body;
    }
    body.append(**piece);
  }
}

}  // namespace

TEST_CASE("requests behind one another on a connection are read one by one") {
  Pair pair = connected();
  write_to(pair.client,
           "GET /a HTTP/1.1\r\n\r\nPOST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
           "3\r\nabc\r\n0\r\nT: 1\r\n\r\nGET /c HTTP/1.0\r\n\r\n");
  CHECK(pair.server.read_head()->starts_with("GET /a"));
  CHECK_FALSE(pair.server.close_after());
  CHECK(pair.server.read_head()->starts_with("POST /b"));
  CHECK(body_of(pair.server) == "abc");
  CHECK(pair.server.trailers() == "T: 1\r\n\r\n");
  CHECK(pair.server.read_head()->starts_with("GET /c"));
  CHECK(pair.server.close_after());
}

TEST_CASE("a body nobody read does not hide the next request") {
  Pair pair = connected();
  write_to(pair.client, "POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\n\r\n");
  CHECK(pair.server.read_head()->starts_with("POST /a"));
  CHECK(pair.server.read_head()->starts_with("GET /b"));
}

TEST_CASE("an end between messages, in a body and instead of a request are told apart") {
  Pair between = connected();
  between.client.reset();
  CHECK(between.server.read_head().error().code == ErrorCode::closed);
  Pair within = connected();
  write_to(within.client, "POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\na");
  within.client.reset();
  REQUIRE(within.server.read_head());
  CHECK(**within.server.read_body() == "a");
  CHECK(within.server.read_body().error().code == ErrorCode::closed);
  Pair wrong = connected();
  write_to(wrong.client, "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
  REQUIRE(wrong.server.read_head());
  CHECK(wrong.server.read_body().error().code == ErrorCode::failed);
}

TEST_CASE("100-continue is sent once, when the body is wanted") {
  Pair pair = connected();
  write_to(pair.client, "POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
  REQUIRE(pair.server.read_head());
  pair.client = UniqueFd(pair.client.release());
  std::array<char, 64> interim{};
  CHECK(::recv(pair.client.get(), interim.data(), interim.size(), MSG_DONTWAIT) < 0);
  std::string first;
  ::shutdown(pair.client.get(), SHUT_WR);
  CHECK_FALSE(pair.server.read_body());
  const ssize_t got = ::recv(pair.client.get(), interim.data(), interim.size(), 0);
  CHECK(std::string_view(interim.data(), static_cast<std::size_t>(got)) ==
        "HTTP/1.1 100 Continue\r\n\r\n");
}

TEST_CASE("a peer that hung up is seen without reading") {
  Pair pair = connected();
  CHECK_FALSE(pair.server.peer_gone());
  write_to(pair.client, "GET ");
  CHECK_FALSE(pair.server.peer_gone());
  pair.client.reset();
  CHECK(pair.server.peer_gone());
}
