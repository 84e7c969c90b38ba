#include "common/platform_connection.h"

#include "tests/fakes/scripted_platform.h"

#include <doctest/doctest.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace postlude {
using testing::ScriptedPlatform;

namespace {

constexpr std::string_view kRequest = "GET /next HTTP/1.1\r\nHost: h\r\n\r\n";

/// The connection under test against a platform that the test plays between two turns of the loop.
struct Fixture {
  void ask(PlatformConnection::Reading reading = PlatformConnection::Reading::at_once) {
    connection.request(
        std::string(kRequest),
        [this](Result<PlatformAnswer> answer) {
          answers.push_back(std::move(answer));
          loop.stop();
        },
        reading);
  }
  /// Whatever is there to be done is done.
  void pass_rounds() {
    for (int round = 0; round < 5; ++round) {
      loop.at(now(), [this] { loop.stop(); });
      loop.run();
    }
  }

  /// Lets the loop work until the platform has the request.
  void deliver() {
    turn([this] { return platform.has_request(); });
    CHECK(platform.next_request() == kRequest);
  }

  const Result<PlatformAnswer>& wait_for_answer() {
    const std::size_t before = answers.size();
    turn([this, before] { return answers.size() > before; });
    return answers.back();
  }

  void turn(const std::function<bool()>& holds) {
    const EpochTime failure = now() + std::chrono::seconds(30);
    EventLoop::TimerId look = 0;
    const std::function<void()> check = [&] {
      REQUIRE(now() < failure);
      loop.stop();
      look = loop.at(now() + Millis(1), check);
    };
    look = loop.at(now(), check);
    while (!holds()) {
      loop.run();
    }
    loop.cancel(look);
  }

  EventLoop loop;
  ScriptedPlatform platform;
  PlatformConnection connection{loop, platform.address()};
  std::vector<Result<PlatformAnswer>> answers;
};

}  // namespace

TEST_CASE("an answer has status, head and body, however it is framed and cut") {
  const std::vector<std::string> wires = {
      "HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhello",
      "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhello"};
  for (const std::string& wire : wires) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, wire.size()}) {
      CAPTURE(wire);
      CAPTURE(piece);
      Fixture fixture;
      fixture.ask();
      fixture.deliver();
      for (std::size_t at = 0; at < wire.size(); at += piece) {
        fixture.platform.send(wire.substr(at, piece));
      }
      const auto& answer = fixture.wait_for_answer();
      REQUIRE(answer);
      CHECK(answer->status == 201);
      CHECK(answer->body == "hello");
      CHECK(answer->head.find("201") != std::string::npos);
    }
  }
}

TEST_CASE("an answer may end with its connection") {
  Fixture fixture;
  fixture.ask();
  fixture.deliver();
  fixture.platform.send("HTTP/1.1 200 OK\r\n\r\nhello");
  fixture.platform.close_connection();
  const auto& answer = fixture.wait_for_answer();
  REQUIRE(answer);
  CHECK(answer->body == "hello");
}

TEST_CASE("the connection is used again, and made anew when the platform closed it or says so") {
  Fixture fixture;
  for (int round = 0; round < 4; ++round) {
    fixture.ask();
    fixture.deliver();
    fixture.platform.answer(200, "ok", round == 2 ? "Connection: close\r\n" : "");
    CHECK(fixture.wait_for_answer());
    if (round == 1) {
      fixture.platform.close_connection();
    }
  }
  CHECK(fixture.answers.size() == 4);
}

TEST_CASE("an answer that may rest wakes nobody before it is attended to") {
  using Reading = PlatformConnection::Reading;
  Fixture fixture;
  for (const std::string body : {"first", "second"}) {
    fixture.ask(Reading::when_attended);
    fixture.deliver();
    fixture.platform.answer(200, body);
    fixture.pass_rounds();
    const std::size_t before = fixture.answers.size();
    fixture.connection.attend();
    REQUIRE(fixture.answers.size() == before + 1);
    CHECK(fixture.answers.back()->body == body);
    fixture.connection.attend();
    CHECK(fixture.answers.size() == before + 1);
  }
}

TEST_CASE("attended to before it is there, or whole, an answer wakes the loop") {
  using Reading = PlatformConnection::Reading;
  Fixture fixture;
  fixture.ask(Reading::when_attended);
  fixture.deliver();
  fixture.connection.attend();
  CHECK(fixture.answers.empty());
  fixture.platform.answer(200, "late");
  CHECK(fixture.wait_for_answer()->body == "late");
  fixture.ask(Reading::when_attended);
  fixture.deliver();
  fixture.platform.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nha");
  fixture.connection.attend();
  CHECK(fixture.answers.size() == 1);
  fixture.platform.send("lf.");
  CHECK(fixture.wait_for_answer()->body == "half.");
}

TEST_CASE("a request that was not sent yet is attended to as well") {
  Fixture fixture;
  fixture.ask(PlatformConnection::Reading::when_attended);
  fixture.connection.attend();
  fixture.deliver();
  fixture.platform.answer(200, "ok");
  CHECK(fixture.wait_for_answer()->body == "ok");
}

TEST_CASE("a parked request that is cut is reported and not sent again") {
  Fixture fixture;
  fixture.ask();
  fixture.deliver();
  fixture.platform.answer(200, "first");
  CHECK(fixture.wait_for_answer());
  fixture.ask();
  fixture.deliver();
  fixture.platform.close_connection();
  CHECK(fixture.wait_for_answer().error().code == ErrorCode::closed);
  CHECK_FALSE(fixture.platform.has_request());
}

TEST_CASE("an answer that is cut, malformed or endless is an error") {
  const std::vector<std::string> wires = {
      "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhell",
      "nonsense\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + std::string(300'000, 'x')};
  for (const std::string& wire : wires) {
    CAPTURE(wire.substr(0, 60));
    Fixture fixture;
    fixture.ask();
    fixture.deliver();
    fixture.platform.send(wire);
    fixture.platform.close_connection();
    CHECK_FALSE(fixture.wait_for_answer());
  }
}

TEST_CASE(
    "a platform that cannot be reached is an error that comes from the loop, not from the call") {
  Fixture fixture;
  fixture.platform.stop_listening();
  fixture.ask();
  CHECK(fixture.answers.empty());
  CHECK(fixture.wait_for_answer().error().message.find("Connection refused") != std::string::npos);

  EventLoop loop;
  PlatformConnection nowhere(loop, "not an address");
  std::optional<Error> error;
  nowhere.request(std::string(kRequest), [&](const Result<PlatformAnswer>& answer) {
    error = answer.error();
    loop.stop();
  });
  CHECK_FALSE(error);
  loop.run();
  CHECK(error->message == "\"not an address\" is not a host:port");
}

TEST_CASE("a connection may go while a request is under way") {
  EventLoop loop;
  const ScriptedPlatform platform;
  {
    PlatformConnection connection(loop, platform.address());
    connection.request(std::string(kRequest), [](const auto&) { FAIL("called"); });
  }
  loop.at(now(), [&loop] { loop.stop(); });
  loop.run();
}

}  // namespace postlude
