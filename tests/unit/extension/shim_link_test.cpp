#include "extension/shim_link.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

namespace postlude::extension {

namespace {

/// A link with the shim's end in the test's hands.
struct Fixture {
  Fixture() {
    int ends[2] = {-1, -1};
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    shim.emplace(UniqueFd(ends[0]));
    link.emplace(
        loop,
        PacketSocket(UniqueFd(ends[1])),
        ShimLink::Handlers{[this](const Message& message) {
                             messages.push_back(encode(message));
                             stop_after(messages.size());
                           },
                           [this](const Error& error) { garbage.push_back(error.message); },
                           [this] {
                             ++closed;
                             loop.stop();
                           }});
  }

  void stop_after(std::size_t seen) {
    if (seen >= wanted) {
      loop.stop();
    }
  }

  /// Runs the loop until so many messages came or the link closed.
  void run(std::size_t messages_wanted) {
    wanted = messages_wanted;
    const auto failure = loop.at(now() + std::chrono::seconds(30), [this] {
      late = true;
      loop.stop();
    });
    loop.run();
    loop.cancel(failure);
    REQUIRE_FALSE(late);
  }

  EventLoop loop;
  std::optional<PacketSocket> shim;
  std::optional<ShimLink> link;
  std::vector<std::string> messages;
  std::vector<std::string> garbage;
  std::size_t wanted = 0;
  int closed = 0;
  bool late = false;
};

}  // namespace

TEST_CASE("messages arrive in order, and what is no message is reported without ending the link") {
  Fixture fixture;
  REQUIRE(fixture.shim->send(encode(ShutDown{from_epoch_ms(1)})));
  REQUIRE(fixture.shim->send("nonsense"));
  REQUIRE(fixture.shim->send(R"({"type":"unheard"})"));
  REQUIRE(fixture.shim->send(encode(ShutDown{from_epoch_ms(2)})));
  fixture.run(2);
  CHECK(fixture.messages == std::vector<std::string>{encode(ShutDown{from_epoch_ms(1)}),
                                                     encode(ShutDown{from_epoch_ms(2)})});
  CHECK(fixture.garbage.size() == 2);
  CHECK(fixture.closed == 0);
}

TEST_CASE("a packet above the limit is reported, and the next one arrives") {
  Fixture fixture;
  const std::string large(kMaxPacketBytes + 1, ' ');
  REQUIRE(::send(fixture.shim->fd(), large.data(), large.size(), 0) ==
          static_cast<ssize_t>(large.size()));
  REQUIRE(fixture.shim->send(encode(Empty{})));
  fixture.run(1);
  REQUIRE(fixture.garbage.size() == 1);
  CHECK(fixture.garbage[0].find("too large") != std::string::npos);
}

TEST_CASE("what was sent before the shim hung up is read first, and the end is told once") {
  Fixture fixture;
  REQUIRE(fixture.shim->send(encode(Empty{})));
  fixture.shim.reset();
  fixture.run(2);
  CHECK(fixture.messages.size() == 1);
  CHECK(fixture.closed == 1);
  fixture.link->send(Empty{});
  CHECK(fixture.closed == 1);
}

TEST_CASE("a shim that reads late gets everything in order") {
  Fixture fixture;
  constexpr int kMessages = 900;
  for (int number = 0; number < kMessages; ++number) {
    fixture.link->send(Settled{{std::string(500, 'r'), static_cast<std::uint64_t>(number)}, 0});
  }
  int received = 0;
  const std::function<void()> read_one = [&] {
    const auto packet = fixture.shim->receive();
    REQUIRE(packet);
    if (*packet) {
      CHECK(std::get<Settled>(*decode(**packet)).key.sequence ==
            static_cast<std::uint64_t>(received++));
    }
    if (received == kMessages) {
      fixture.loop.stop();
    } else {
      fixture.loop.at(now(), read_one);
    }
  };
  fixture.loop.at(now(), read_one);
  fixture.run(1);
  CHECK(received == kMessages);
  CHECK(fixture.closed == 0);
}

TEST_CASE("a shim that never reads counts as gone before memory fills") {
  Fixture fixture;
  const Settled message{{std::string(500, 'r'), 1}, 0};
  for (int number = 0; number < 100'000 && fixture.closed == 0; ++number) {
    fixture.link->send(message);
  }
  CHECK(fixture.closed == 1);
}

}  // namespace postlude::extension
