#include "runtime/poll_takeover.h"

#include "tests/fakes/scripted_platform.h"

#include <doctest/doctest.h>

#include <unistd.h>

#include <functional>

namespace postlude::runtime {
using testing::ScriptedPlatform;

namespace {

struct Fixture {
  Fixture() { takeover.registered("id-1"); }

  /// Runs the loop until it holds.
  void turn(const std::function<bool()>& holds) {
    const EpochTime failure = now() + std::chrono::seconds(30);
    while (!holds()) {
      REQUIRE(now() < failure);
      pass(Millis(1));
    }
  }
  void pass(Millis time) {
    loop.at(now() + time, [this] { loop.stop(); });
    loop.run();
  }
  void expect_poll() {
    turn([this] { return platform.has_request(); });
    platform.expect_poll();
  }

  EventLoop loop;
  ScriptedPlatform platform;
  PollTakeover takeover{loop, platform.address(), Log(STDOUT_FILENO, LogLevel::error)};
};

}  // namespace

TEST_CASE("after the death of the extension every invocation ends with a poll of its identifier") {
  Fixture fixture;
  fixture.takeover.invocation_began(1);
  fixture.takeover.extension_died(now());
  for (std::uint64_t sequence = 2; sequence < 5; ++sequence) {
    fixture.takeover.nothing_held();
    fixture.expect_poll();
    fixture.takeover.invocation_began(sequence);
    fixture.platform.send_invoke("r");
  }
}

TEST_CASE("an invocation that ends before its INVOKE was read polls when it was") {
  Fixture fixture;
  fixture.takeover.invocation_began(1);
  fixture.takeover.extension_died(now());
  fixture.takeover.nothing_held();
  fixture.expect_poll();
  fixture.takeover.invocation_began(2);
  fixture.takeover.nothing_held();
  fixture.pass(Millis(20));
  CHECK_FALSE(fixture.platform.has_request());
  fixture.platform.send_invoke("r");
  fixture.expect_poll();
}

TEST_CASE(
    "where nothing happens after the death of an idle extension, it is asked after a second") {
  Fixture fixture;
  const EpochTime died = now();
  fixture.takeover.extension_died(died);
  fixture.expect_poll();
  CHECK(now() - died >= PollDuty::kRescueAfter);
  fixture.platform.answer(403, R"({"errorType":"Extension.InvalidExtensionState"})");
  fixture.pass(Millis(20));
  fixture.takeover.nothing_held();
  fixture.pass(Millis(20));
  CHECK_FALSE(fixture.platform.has_request());
  fixture.takeover.invocation_began(1);
  fixture.takeover.nothing_held();
  fixture.expect_poll();
}

TEST_CASE("an event in that second, or the end of the runtime, makes the question needless") {
  for (const bool event : {true, false}) {
    CAPTURE(event);
    Fixture fixture;
    fixture.takeover.extension_died(now());
    if (event) {
      fixture.takeover.invocation_began(1);
    } else {
      fixture.takeover.stop();
    }
    fixture.pass(PollDuty::kRescueAfter + Millis(100));
    CHECK_FALSE(fixture.platform.has_request());
  }
}

}  // namespace postlude::runtime
