#include "runtime/extension_link.h"

#include <doctest/doctest.h>

#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

namespace postlude::runtime {
namespace {

/// The link, and the process at its other end.
struct Fixture {
  void start() {
    REQUIRE(link.listen(Hello{}));
    peer.emplace(PacketSocket::connect(link.name()).value());
    turn();
  }
  /// What the process reads next; empty: nothing.
  std::optional<Message> next() {
    turn();
    return next_at_once();
  }
  std::optional<Message> next_at_once() {
    const auto packet = peer->receive().value();
    return packet ? std::optional(decode(*packet).value()) : std::nullopt;
  }
  void say(std::uint64_t number) { CHECK(peer->send(encode(Pong{number}))); }
  void settle(std::uint64_t number) { CHECK(peer->send(encode(Settled{{"r", number}, 0, 0}))); }
  void hear(const Message& message) {
    const auto* settled = std::get_if<Settled>(&message);
    heard.push_back(settled != nullptr ? settled->key.sequence : std::get<Pong>(message).number);
  }
  void turn() {
    for (int round = 0; round < 5; ++round) {
      loop.at(now(), [this] { loop.stop(); });
      loop.run();
    }
  }

  EventLoop loop;
  std::vector<std::uint64_t> heard;
  int connected = 0;
  int sent = 0;
  int lost = 0;
  ExtensionLink link{loop,
                     Log(STDOUT_FILENO, LogLevel::error),
                     {.message = [this](const Message& message) { hear(message); },
                      .lost = [this] { ++lost; },
                      .connected = [this] { ++connected; },
                      .sent = [this] { ++sent; }}};
  std::optional<PacketSocket> peer;
};

}  // namespace

TEST_CASE("every process gets its own hello first, and nothing that was meant for the one before") {
  Fixture fixture;
  fixture.start();
  CHECK(std::holds_alternative<Hello>(fixture.next().value()));
  const std::string name = fixture.link.name();
  fixture.peer.reset();
  fixture.link.send(Ping{1});
  fixture.turn();
  CHECK(fixture.lost == 1);
  fixture.link.send(Ping{2});
  fixture.start();
  CHECK(fixture.link.name() != name);
  fixture.link.send(Ping{3});
  CHECK(std::holds_alternative<Hello>(fixture.next().value()));
  CHECK(std::get<Ping>(fixture.next().value()).number == 3);
  CHECK_FALSE(fixture.next());
  CHECK(fixture.connected == 2);
}

TEST_CASE("a process that answers faster than rounds come around is kept up with") {
  Fixture fixture;
  fixture.start();
  std::uint64_t told = 0;
  // Each round has two messages for the process, which answers both.
  for (int round = 0; round < 20; ++round) {
    fixture.link.send(Ping{1});
    fixture.link.send(Ping{2});
    fixture.say(++told);
    fixture.say(++told);
    fixture.loop.at(now(), [&fixture] { fixture.loop.stop(); });
    fixture.loop.run();
  }
  CHECK(fixture.heard.size() >= told - 2);
}

TEST_CASE("what a process said before its end is read, though it left messages unread") {
  Fixture fixture;
  fixture.start();
  fixture.link.send(Ping{1});
  fixture.say(1);
  fixture.say(2);
  fixture.peer.reset();
  fixture.link.send(Ping{2});
  fixture.link.drain();
  CHECK(fixture.heard == std::vector<std::uint64_t>{1, 2});
  fixture.turn();
  fixture.link.send(Ping{3});
  CHECK(fixture.heard.size() == 2);
}

TEST_CASE("what has arrived can be read before its turn, and the link goes on") {
  Fixture fixture;
  fixture.start();
  fixture.say(1);
  fixture.say(2);
  fixture.link.catch_up();
  CHECK(fixture.heard == std::vector<std::uint64_t>{1, 2});
  fixture.link.catch_up();
  fixture.say(3);
  fixture.turn();
  CHECK(fixture.heard == std::vector<std::uint64_t>{1, 2, 3});
  CHECK_FALSE(fixture.link.is_lost());
}

TEST_CASE("messages go after the round, in order, and along with the next that goes soon") {
  using Sending = ExtensionLink::Sending;
  Fixture fixture;
  fixture.start();
  CHECK(std::holds_alternative<Hello>(fixture.next().value()));
  fixture.link.send(Ping{1}, {}, Sending::with_next);
  CHECK_FALSE(fixture.next());
  fixture.link.send(Ping{2});
  CHECK_FALSE(fixture.next_at_once());
  CHECK(std::get<Ping>(fixture.next().value()).number == 1);
  CHECK(std::get<Ping>(fixture.next().value()).number == 2);
  fixture.link.send(Ping{3}, {}, Sending::with_next);
  fixture.link.send(Ping{4}, {}, Sending::now);
  CHECK(std::get<Ping>(fixture.next_at_once().value()).number == 3);
  CHECK(std::get<Ping>(fixture.next_at_once().value()).number == 4);
}

TEST_CASE("the answer to a quiet message wakes nobody, and is read before the next one goes") {
  using Sending = ExtensionLink::Sending;
  Fixture fixture;
  fixture.start();
  fixture.link.send(Ping{1}, {}, Sending::quietly);
  fixture.turn();
  fixture.settle(1);
  fixture.turn();
  CHECK(fixture.heard.empty());
  fixture.link.send(Ping{2}, {}, Sending::quietly);
  fixture.turn();
  CHECK(fixture.heard == std::vector<std::uint64_t>{1});
  fixture.settle(2);
  fixture.turn();
  CHECK(fixture.heard.size() == 1);
  CHECK(fixture.link.rests());
  fixture.link.send(Ping{3});
  CHECK_FALSE(fixture.link.rests());
  fixture.turn();
  fixture.say(3);
  fixture.turn();
  CHECK(fixture.heard == std::vector<std::uint64_t>{1, 2, 3});
}

TEST_CASE("quiet answers that were read on another occasion are due no more") {
  Fixture fixture;
  fixture.start();
  for (std::uint64_t number = 1; number <= 8; ++number) {
    fixture.link.send(Ping{number}, {}, ExtensionLink::Sending::quietly);
    fixture.turn();
    fixture.settle(number);
    fixture.link.catch_up();
    CHECK(fixture.heard.size() == number);
    CHECK(fixture.link.rests());
  }
}

TEST_CASE("a process that leaves quiet messages unanswered for long is listened to again") {
  using Sending = ExtensionLink::Sending;
  Fixture fixture;
  fixture.start();
  for (std::uint64_t number = 1; number <= 8; ++number) {
    fixture.link.send(Ping{number}, {}, Sending::quietly);
    fixture.turn();
  }
  for (std::uint64_t number = 1; number <= 8; ++number) {
    fixture.settle(number);
  }
  fixture.turn();
  fixture.turn();
  CHECK(fixture.heard.size() == 8);
}

TEST_CASE("the end of a process that is not listened to is noticed, and what it said is read") {
  Fixture fixture;
  fixture.start();
  fixture.link.send(Ping{1}, {}, ExtensionLink::Sending::quietly);
  fixture.turn();
  fixture.settle(1);
  fixture.peer.reset();
  fixture.turn();
  CHECK(fixture.heard == std::vector<std::uint64_t>{1});
  CHECK(fixture.lost == 1);
}

TEST_CASE("a loss that is noticed after the successor was asked for is not the successor's") {
  Fixture fixture;
  fixture.start();
  fixture.peer.reset();
  fixture.link.drain();
  REQUIRE(fixture.link.listen(Hello{}));
  fixture.turn();
  CHECK(fixture.lost == 0);
}

TEST_CASE("whatever is sent is told, and nothing is sent to nobody") {
  Fixture fixture;
  fixture.link.send(Ping{1});
  CHECK(fixture.sent == 0);
  fixture.start();
  CHECK(fixture.sent == 1);
  fixture.link.send(Ping{2});
  CHECK(fixture.sent == 2);
}

}  // namespace postlude::runtime
