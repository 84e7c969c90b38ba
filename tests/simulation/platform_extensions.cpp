// The Extensions API, and what becomes of invocations whose extension does not do its part.
#include "tests/simulation/platform.h"
#include "tests/simulation/simulation.h"

#include <utility>

namespace postlude::simulation {
namespace {

/// Nobody knows whether an extension that died had polled: the shim tries after a second.
constexpr Millis kRescueTime{2500};

}  // namespace

void Platform::extension_asks(const std::string& bytes, const ExtensionReply& reply) {
  const HttpHead head(bytes);
  if (head.method() == "GET") {
    const std::string identifier(head.find("Lambda-Extension-Identifier").value_or(""));
    World::current().outside(World::current().hop(),
                             [this, identifier, reply] { extension_polls(identifier, reply); });
    return;
  }
  Millis delay = World::current().hop();
  switch (Simulation::current().faults().registration()) {
    case Faults::Registration::accepted:
      break;
    case Faults::Registration::slow:
      delay = Millis(World::current().chance().between(50, 5000));
      excuse("the registration was slow");
      break;
    case Faults::Registration::refused:
      World::current().outside(delay, [reply] { reply(refusal("Extension.TooManyExtensions")); });
      return;
    case Faults::Registration::lost:
      World::current().outside(
          delay, [reply] { reply(fail(ErrorCode::closed, "the connection is gone")); });
      return;
  }
  const Process* const asker = World::current().running();
  World::current().outside(delay, [this, reply, asker, generation = generation_] {
    if (generation == generation_) {
      excuse_all_ = excuse_all_ || asker->dead();
      register_extension(reply);
    }
  });
}

void Platform::register_extension(const ExtensionReply& reply) {
  if (!registration_open_ || !extension_id_.empty()) {
    reply(refusal(registration_open_ ? "Extension.InvalidExtensionState"
                                     : "Extension.RegistrationClosed"));
    return;
  }
  extension_id_ = fmt::format("extension-{}", generation_);
  World::current().say("platform: the extension is registered");
  reply(PlatformAnswer{
      .status = 200,
      .head =
          fmt::format("HTTP/1.1 200 OK\r\nLambda-Extension-Identifier: {}\r\n\r\n", extension_id_),
      .body = "{}"});
}

void Platform::extension_polls(std::string_view identifier, const ExtensionReply& reply) {
  if (identifier != extension_id_) {
    reply(refusal("Extension.UnknownExtensionIdentifier"));
    return;
  }
  if (extension_parked_) {
    if (--rescues_ < 0) {
      World::current().violate("a second poll while one is parked");
    }
    reply(refusal("Extension.InvalidExtensionState"));
    return;
  }
  if (Simulation::current().faults().refuses_poll()) {
    excuse("a poll was refused");
    reply(refusal("Extension.Mood"));
    return;
  }
  World::current().say("platform: the extension's poll is parked");
  extension_parked_ = true;
  extension_poll_ = reply;
  if (state_ == State::invoking) {
    end_if_done();
  } else {
    deliver_if_ready();
  }
}

PlatformAnswer Platform::refusal(std::string_view type) {
  return {.status = 403,
          .head = "HTTP/1.1 403 Forbidden\r\n\r\n",
          .body = fmt::format(R"({{"errorType":"{}","errorMessage":"no"}})", type)};
}

/// Between its last word and its poll: the shim cannot know whether it polled.
void Platform::extension_died() {
  ++rescues_;
  ++extension_deaths_;
  if (!extension_id_.empty() && !extension_known_) {
    excuse_all_ = true;
  }
  const bool before_first_poll = state_ == State::starting;
  if ((extension_settled_ || before_first_poll) && !extension_parked_) {
    excuse_within(kRescueTime, "the extension died between its last word and its poll");
  }
}

void Platform::extension_stopped() {
  extension_hung_ = true;
  if ((extension_settled_ || state_ == State::starting) && !extension_parked_) {
    excuse("the extension was stopped between its last word and its poll");
  }
}

}  // namespace postlude::simulation
