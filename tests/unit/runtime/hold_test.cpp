#include "runtime/hold.h"

#include <doctest/doctest.h>

using namespace postlude;
using namespace postlude::runtime;

namespace {

constexpr EpochTime kStart{Millis(100000)};

}  // namespace

TEST_CASE("the first poll waits for the extension's registration, three seconds at most") {
  const Hold hold(kStart);
  CHECK(hold.held_until(kStart) == kStart + std::chrono::seconds(3));
  CHECK(hold.held_until(kStart + Millis(2999)) == kStart + std::chrono::seconds(3));
  CHECK_FALSE(hold.held_until(kStart + std::chrono::seconds(3)));
}

TEST_CASE("whatever becomes known of the extension releases the first poll") {
  for (const auto state : {ExtensionState::registered,
                           ExtensionState::taken_over,
                           ExtensionState::refused,
                           ExtensionState::unavailable}) {
    Hold hold(kStart);
    hold.extension_is(state);
    CHECK_FALSE(hold.held_until(kStart));
  }
}

TEST_CASE("once a poll went up, registration is closed and nobody waits for it") {
  Hold hold(kStart);
  hold.poll_went_up();
  CHECK_FALSE(hold.held_until(kStart));
}

TEST_CASE(
    "an extension that polls, or in whose stead the shim does, needs no other poll to be held") {
  for (const auto state : {ExtensionState::registered, ExtensionState::taken_over}) {
    Hold hold(kStart);
    hold.extension_is(state);
    hold.work_pending(kStart + Millis(500));
    CHECK_FALSE(hold.held_until(kStart));
  }
}

TEST_CASE(
    "the poll is held for an extension that the platform refused, until the work is settled") {
  Hold hold(kStart);
  hold.extension_is(ExtensionState::refused);
  hold.poll_went_up();
  hold.work_pending(kStart + Millis(500));
  CHECK(hold.held_until(kStart) == kStart + Millis(500));
  hold.work_settled();
  CHECK_FALSE(hold.held_until(kStart));
}

TEST_CASE("the poll is never held beyond the end of the work") {
  Hold hold(kStart);
  hold.extension_is(ExtensionState::refused);
  hold.work_pending(kStart + Millis(500));
  CHECK_FALSE(hold.held_until(kStart + Millis(500)));
}

TEST_CASE("an extension that is slow to register is driven until it does") {
  Hold hold(kStart);
  const EpochTime late = kStart + std::chrono::seconds(4);
  hold.poll_went_up();
  hold.work_pending(late + Millis(500));
  CHECK(hold.held_until(late) == late + Millis(500));
  hold.extension_is(ExtensionState::registered);
  CHECK_FALSE(hold.held_until(late));
}

TEST_CASE("the death of the extension releases what was held for its work") {
  Hold hold(kStart);
  hold.extension_is(ExtensionState::refused);
  hold.work_pending(kStart + Millis(500));
  hold.extension_is(ExtensionState::unavailable);
  CHECK_FALSE(hold.held_until(kStart));
}
