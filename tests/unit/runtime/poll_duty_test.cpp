#include "runtime/poll_duty.h"

#include <doctest/doctest.h>

using namespace postlude;
using namespace postlude::runtime;
using Verdict = PollDuty::Verdict;

namespace {

constexpr EpochTime kStart{Millis(100000)};

/// Of an extension that was registered and died in invocation 1.
PollDuty duty_in_invocation() {
  PollDuty duty;
  duty.registered();
  duty.invocation_began(1);
  duty.extension_died(kStart);
  return duty;
}

}  // namespace

TEST_CASE("while the extension lives, the shim never polls") {
  PollDuty duty;
  CHECK(duty.nothing_held() == Verdict::nothing);
  duty.registered();
  duty.invocation_began(1);
  CHECK(duty.nothing_held() == Verdict::nothing);
  duty.extension_released(1);
  CHECK(duty.nothing_held() == Verdict::nothing);
}

TEST_CASE("for an extension that was never registered the shim does not poll either") {
  PollDuty duty;
  duty.invocation_began(1);
  duty.extension_died(kStart);
  CHECK(duty.nothing_held() == Verdict::nothing);
  CHECK_FALSE(duty.rescue_due());
}

TEST_CASE("after its death every invocation ends with one poll") {
  PollDuty duty = duty_in_invocation();
  CHECK_FALSE(duty.rescue_due());
  for (std::uint64_t sequence = 2; sequence < 10; ++sequence) {
    CHECK(duty.nothing_held() == Verdict::ask);
    CHECK(duty.nothing_held() == Verdict::nothing);
    duty.invocation_began(sequence);
    CHECK(duty.answered() == Verdict::nothing);
  }
}

TEST_CASE("a successor that dies as well changes nothing") {
  PollDuty duty = duty_in_invocation();
  duty.extension_released(1);
  CHECK(duty.nothing_held() == Verdict::ask);
  duty.extension_died(kStart);
  CHECK_FALSE(duty.rescue_due());
  CHECK(duty.nothing_held() == Verdict::nothing);
}

TEST_CASE("an invocation that is over before its INVOKE was read is followed by its own poll") {
  PollDuty duty = duty_in_invocation();
  CHECK(duty.nothing_held() == Verdict::ask);
  duty.invocation_began(2);
  CHECK(duty.nothing_held() == Verdict::nothing);
  CHECK(duty.answered() == Verdict::ask);
}

TEST_CASE("a poll that the dead extension left parked is used up by the next event") {
  PollDuty duty;
  duty.registered();
  duty.extension_died(kStart);
  CHECK(duty.nothing_held() == Verdict::nothing);
  duty.invocation_began(1);
  CHECK_FALSE(duty.rescue_due());
  CHECK(duty.nothing_held() == Verdict::ask);
}

TEST_CASE("a release that is read after the next event is no poll in that event's time") {
  PollDuty duty;
  duty.registered();
  duty.invocation_began(1);
  duty.invocation_began(2);
  duty.extension_released(1);
  duty.extension_died(kStart);
  CHECK(duty.nothing_held() == Verdict::ask);
}

TEST_CASE("an extension that died between its word and its poll is rescued after a second") {
  PollDuty duty;
  duty.registered();
  duty.invocation_began(1);
  duty.extension_released(1);
  duty.extension_died(kStart);
  CHECK(duty.rescue_due() == kStart + PollDuty::kRescueAfter);
  CHECK(duty.rescue(kStart + PollDuty::kRescueAfter) == Verdict::ask);
  CHECK_FALSE(duty.rescue_due());
  duty.invocation_began(2);
  CHECK(duty.answered() == Verdict::nothing);
  CHECK(duty.nothing_held() == Verdict::ask);
}

TEST_CASE("the time of a freeze does not count before a rescue") {
  PollDuty duty;
  duty.registered();
  duty.extension_died(kStart);
  const EpochTime thaw = kStart + PollDuty::kRescueAfter + PollDuty::kLate + Millis(1);
  CHECK(duty.rescue(thaw) == Verdict::nothing);
  CHECK(duty.rescue_due() == thaw + PollDuty::kRescueAfter);
  duty.invocation_began(1);
  CHECK_FALSE(duty.rescue_due());
  CHECK(duty.rescue(thaw + PollDuty::kRescueAfter) == Verdict::nothing);
}

TEST_CASE("a rescue that is refused found a parked poll, and is no refusal that counts") {
  PollDuty duty;
  duty.registered();
  duty.extension_died(kStart);
  CHECK(duty.rescue(kStart + PollDuty::kRescueAfter) == Verdict::ask);
  CHECK(duty.refused() == Verdict::nothing);
  CHECK(duty.nothing_held() == Verdict::nothing);
  duty.invocation_began(1);
  CHECK(duty.nothing_held() == Verdict::ask);
  CHECK(duty.refused() == Verdict::nothing);
  CHECK_FALSE(duty.given_up());
}

TEST_CASE("a refused poll is tried once more after the next invocation, then never") {
  PollDuty duty = duty_in_invocation();
  CHECK(duty.nothing_held() == Verdict::ask);
  CHECK(duty.refused() == Verdict::nothing);
  duty.invocation_began(2);
  CHECK(duty.nothing_held() == Verdict::ask);
  CHECK(duty.refused() == Verdict::nothing);
  CHECK(duty.given_up());
  duty.invocation_began(3);
  CHECK(duty.nothing_held() == Verdict::nothing);
}

TEST_CASE("a poll that succeeds makes good for a refusal") {
  PollDuty duty = duty_in_invocation();
  CHECK(duty.nothing_held() == Verdict::ask);
  CHECK(duty.refused() == Verdict::nothing);
  CHECK(duty.nothing_held() == Verdict::ask);
  duty.invocation_began(2);
  CHECK(duty.answered() == Verdict::nothing);
  CHECK(duty.nothing_held() == Verdict::ask);
  CHECK(duty.refused() == Verdict::nothing);
  CHECK_FALSE(duty.given_up());
}
