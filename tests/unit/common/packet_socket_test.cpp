#include "common/packet_socket.h"

#include "common/spool.h"
#include "tests/fakes/temp_dir.h"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

using namespace postlude;

namespace {

std::string free_name() {
  static int counter = 0;
  return "postlude-test-" + std::to_string(::getpid()) + "-" + std::to_string(++counter);
}

struct Pair {
  Pair() : name(free_name()), listener(PacketListener::listen(name).value()) {
    client.emplace(PacketSocket::connect(name).value());
    server.emplace(std::move(listener.accept().value().value()));
  }
  std::string name;
  PacketListener listener;
  std::optional<PacketSocket> client;
  std::optional<PacketSocket> server;
};

}  // namespace

TEST_CASE("packets keep their borders and their order") {
  Pair pair;
  CHECK(pair.client->send("one"));
  CHECK(pair.client->send("two and more"));
  CHECK(pair.server->receive().value() == "one");
  CHECK(pair.server->receive().value() == "two and more");
  CHECK_FALSE(pair.server->receive().value());
}

TEST_CASE("each end knows the process of the other") {
  const Pair pair;
  CHECK(pair.client->peer() == ::getpid());
  CHECK(pair.server->peer() == ::getpid());
}

TEST_CASE("a packet of the largest size passes and a larger one is refused") {
  Pair pair;
  const std::string largest(kMaxPacketBytes, 'x');
  CHECK(pair.client->send(largest));
  CHECK(pair.server->receive().value() == largest);
  CHECK_FALSE(pair.client->send(largest + "y"));
}

TEST_CASE("a peer that does not read makes the sender wait, and loses nothing") {
  Pair pair;
  int sent = 0;
  while (pair.client->send(std::to_string(sent))) {
    ++sent;
    REQUIRE(sent < 1000000);
  }
  CHECK(pair.client->send("more").error().code == ErrorCode::would_block);
  for (int i = 0; i < sent; ++i) {
    REQUIRE(pair.server->receive().value() == std::to_string(i));
  }
}

TEST_CASE("what was sent before the peer went is still received, then the end") {
  Pair pair;
  CHECK(pair.client->send("last"));
  pair.client.reset();
  CHECK(pair.server->receive().value() == "last");
  CHECK(pair.server->receive().error().code == ErrorCode::closed);
  CHECK_FALSE(pair.server->send("too late"));
}

TEST_CASE("an abstract name is taken once and free again with its listener") {
  const std::string name = free_name();
  {
    const auto first = PacketListener::listen(name);
    CHECK(first);
    CHECK_FALSE(PacketListener::listen(name));
  }
  CHECK(PacketListener::listen(name));
  CHECK_FALSE(PacketListener::listen(""));
  CHECK_FALSE(PacketListener::listen(std::string(200, 'n')));
}

TEST_CASE("nobody listening is an error that names the socket") {
  const auto refused = PacketSocket::connect("postlude-nobody");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("postlude-nobody") != std::string::npos);
}

TEST_CASE("open files travel with their packet, and only with theirs") {
  Pair pair;
  const testing::TempDir folder;
  std::vector<UniqueFd> files;
  for (const char* name : {"one", "two"}) {
    files.emplace_back(::open(folder.write(name, name).c_str(), O_RDONLY | O_CLOEXEC));
  }
  CHECK(pair.client->send("with", files));
  CHECK(pair.client->send("without"));
  files.clear();
  CHECK(pair.server->receive().value() == "with");
  const auto received = pair.server->take_descriptors();
  REQUIRE(received.size() == 2);
  CHECK(read_all(received[0].get(), 100, "one") == "one");
  CHECK(read_all(received[1].get(), 100, "two") == "two");
  CHECK((::fcntl(received[0].get(), F_GETFD) & FD_CLOEXEC) != 0);
  CHECK(pair.server->take_descriptors().empty());
  CHECK(pair.server->receive().value() == "without");
  CHECK(pair.server->take_descriptors().empty());
}

TEST_CASE("files that nobody took are closed with the next packet") {
  Pair pair;
  std::array<int, 2> ends = {-1, -1};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  const UniqueFd reader(ends[0]);
  std::vector<UniqueFd> files;
  files.emplace_back(ends[1]);
  CHECK(pair.client->send("with", files));
  files.clear();
  CHECK(pair.client->send("next"));
  CHECK(pair.server->receive().value() == "with");
  CHECK(pair.server->receive().value() == "next");
  char byte = 0;
  CHECK(::read(reader.get(), &byte, 1) == 0);
}

TEST_CASE("a name on which another user listens is refused") {
  if (::geteuid() != 0) {
    MESSAGE("only root can listen as another user");
    return;
  }
  constexpr uid_t kNobody = 65534;
  const std::string name = free_name();
  REQUIRE(::seteuid(kNobody) == 0);
  const auto foreign = PacketListener::listen(name);
  REQUIRE(::seteuid(0) == 0);
  REQUIRE(foreign);
  const auto connected = PacketSocket::connect(name);
  REQUIRE_FALSE(connected);
  CHECK(connected.error().message == "connect " + name + ": another user listens there");
}

TEST_CASE("each environment's Runtime API has a door of its own") {
  CHECK(external_link_name("169.254.100.1:9001") == "postlude-external-169.254.100.1:9001");
  CHECK(external_link_name("127.0.0.1:9001") != external_link_name("127.0.0.1:9002"));
}
