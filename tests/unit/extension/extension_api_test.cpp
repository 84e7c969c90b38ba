#include "extension/extension_api.h"

#include "tests/fakes/scripted_platform.h"

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

namespace postlude::extension {
using testing::ScriptedPlatform;

namespace {

struct Fixture {
  /// Runs the loop until it holds.
  void turn(const std::function<bool()>& holds) {
    const EpochTime failure = now() + std::chrono::seconds(30);
    while (!holds()) {
      REQUIRE(now() < failure);
      loop.at(now() + Millis(1), [this] { loop.stop(); });
      loop.run();
    }
  }

  void register_it() {
    api.register_as(kInternalName, Subscription::invoke);
    turn([this] { return platform.has_request(); });
    platform.accept_registration();
    turn([this] { return !registrations.empty(); });
  }

  void ask() {
    CHECK_FALSE(api.asking());
    api.ask_next();
    CHECK(api.asking());
    turn([this] { return platform.has_request(); });
    platform.expect_poll();
  }

  EventLoop loop;
  ScriptedPlatform platform;
  std::vector<Registered> registrations;
  std::vector<PlatformEvent> events;
  std::vector<std::string> refusals;
  ExtensionApi api{loop,
                   platform.address(),
                   {[this](const Registered& registered) { registrations.push_back(registered); },
                    [this](const PlatformEvent& event) { events.push_back(event); },
                    [this](const Error& error) { refusals.push_back(error.message); }}};
};

}  // namespace

TEST_CASE("the identifier of the registration is told, and used by every poll") {
  Fixture fixture;
  fixture.register_it();
  CHECK(fixture.registrations[0].accepted);
  CHECK(fixture.registrations[0].identifier == "id-1");
  for (const std::size_t polls : {1U, 2U}) {
    fixture.ask();
    fixture.platform.send_invoke("r1");
    fixture.turn([&] { return fixture.events.size() == polls; });
    CHECK(fixture.events.back().request_id == "r1");
  }
  CHECK(fixture.registrations.size() == 1);
  CHECK(fixture.refusals.empty());
}

TEST_CASE("a poll that is refused, cut or answered with nonsense is told as refused") {
  Fixture fixture;
  fixture.register_it();
  fixture.ask();
  fixture.platform.answer(403,
                          R"({"errorType":"Extension.InvalidExtensionState","errorMessage":"no"})");
  fixture.turn([&] { return fixture.refusals.size() == 1; });
  CHECK(fixture.refusals[0] == "403 Extension.InvalidExtensionState: no");
  fixture.ask();
  fixture.platform.answer(200, "{}");
  fixture.turn([&] { return fixture.refusals.size() == 2; });
  fixture.ask();
  fixture.platform.close_connection();
  fixture.turn([&] { return fixture.refusals.size() == 3; });
  CHECK(fixture.events.empty());
}

}  // namespace postlude::extension
