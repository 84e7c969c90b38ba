#include "tests/emulator/runtime_state.h"

#include <doctest/doctest.h>

#include <array>
#include <functional>
#include <string>
#include <vector>

using namespace postlude::emulator;  // NOLINT(google-build-using-namespace)

namespace {

RuntimeState in_phase(RuntimePhase phase) {
  RuntimeState state;
  const auto ready = [&] { static_cast<void>(state.poll()); };
  const auto running = [&] {
    ready();
    state.deliver({"id", "attempt"});
  };
  switch (phase) {
    case RuntimePhase::started:
      break;
    case RuntimePhase::restore_ready:
      static_cast<void>(state.restore_poll());
      break;
    case RuntimePhase::restoring:
      static_cast<void>(state.restore_poll());
      state.restored();
      break;
    case RuntimePhase::ready:
      ready();
      break;
    case RuntimePhase::running:
      running();
      break;
    case RuntimePhase::responding:
    case RuntimePhase::reporting_error:
      running();
      static_cast<void>(state.begin_answer({"id", {}}, phase));
      break;
    case RuntimePhase::answered:
      running();
      static_cast<void>(state.begin_answer({"id", {}}, RuntimePhase::responding));
      state.answer_done();
      break;
    case RuntimePhase::init_error:
      static_cast<void>(state.init_error());
      break;
  }
  return state;
}

constexpr std::array kPhases{RuntimePhase::started,
                             RuntimePhase::restore_ready,
                             RuntimePhase::restoring,
                             RuntimePhase::ready,
                             RuntimePhase::running,
                             RuntimePhase::responding,
                             RuntimePhase::reporting_error,
                             RuntimePhase::answered,
                             RuntimePhase::init_error};

struct Event {
  std::function<std::optional<Refusal>(RuntimeState&)> send;
  /// The phase it leads to from each of kPhases; the same phase with a refusal otherwise.
  std::vector<std::optional<RuntimePhase>> leads_to;
};

void check_every_phase(const Event& event) {
  REQUIRE(event.leads_to.size() == kPhases.size());
  for (std::size_t i = 0; i < kPhases.size(); ++i) {
    CAPTURE(i);
    RuntimeState state = in_phase(kPhases[i]);
    REQUIRE(state.phase() == kPhases[i]);
    const auto refusal = event.send(state);
    CHECK(refusal.has_value() == !event.leads_to[i].has_value());
    CHECK(state.phase() == event.leads_to[i].value_or(kPhases[i]));
    if (refusal) {
      CHECK(refusal->status == 403);
      CHECK(refusal->error_type == "InvalidStateTransition");
    }
  }
}

constexpr std::nullopt_t kRefused = std::nullopt;

}  // namespace

TEST_CASE("a poll is allowed before, between and within invocations") {
  using P = RuntimePhase;
  check_every_phase({[](RuntimeState& state) { return state.poll(); },
                     {P::ready,
                      kRefused,
                      P::ready,
                      P::ready,
                      P::running,
                      kRefused,
                      kRefused,
                      P::ready,
                      kRefused}});
}

TEST_CASE("restore polls belong to the start only") {
  using P = RuntimePhase;
  check_every_phase({[](RuntimeState& state) { return state.restore_poll(); },
                     {P::restore_ready,
                      kRefused,
                      kRefused,
                      kRefused,
                      kRefused,
                      kRefused,
                      kRefused,
                      kRefused,
                      kRefused}});
}

TEST_CASE("an init error ends an init or a restore only") {
  using P = RuntimePhase;
  check_every_phase({[](RuntimeState& state) { return state.init_error(); },
                     {P::init_error,
                      kRefused,
                      P::init_error,
                      kRefused,
                      kRefused,
                      kRefused,
                      kRefused,
                      kRefused,
                      kRefused}});
}

TEST_CASE("an invocation is answered once, while it runs") {
  using P = RuntimePhase;
  for (const P kind : {P::responding, P::reporting_error}) {
    check_every_phase(
        {[&](RuntimeState& state) {
           return state.begin_answer({"id", {}}, kind);
         },
         {kRefused, kRefused, kRefused, kRefused, kind, kRefused, kRefused, kRefused, kRefused}});
  }
}

TEST_CASE("a wrong request id changes nothing, so that the right one is still taken") {
  RuntimeState state = in_phase(RuntimePhase::running);
  const auto wrong = state.begin_answer({"other", {}}, RuntimePhase::responding);
  REQUIRE(wrong);
  CHECK(wrong->error_type == "InvalidRequestID");
  CHECK_FALSE(state.begin_answer({"id", {}}, RuntimePhase::responding));
}

TEST_CASE("an invocation id is checked where it is given, before everything else") {
  RuntimeState state = in_phase(RuntimePhase::answered);
  const auto stale = state.begin_answer({"id", "older"}, RuntimePhase::responding);
  REQUIRE(stale);
  CHECK(stale->status == 410);
  RuntimeState running = in_phase(RuntimePhase::running);
  CHECK_FALSE(running.begin_answer({"id", "attempt"}, RuntimePhase::responding));
}

TEST_CASE("after a timeout an answer is for no invocation any more") {
  RuntimeState state = in_phase(RuntimePhase::running);
  state.forget_invocation();
  const auto late = state.begin_answer({"id", {}}, RuntimePhase::responding);
  REQUIRE(late);
  CHECK(late->error_type == "InvalidRequestID");
  const auto late_with_id = state.begin_answer({"id", "attempt"}, RuntimePhase::responding);
  REQUIRE(late_with_id);
  CHECK(late_with_id->error_type == "InvokeTimeout");
}

TEST_CASE("an event whose connection broke can be delivered again") {
  RuntimeState state = in_phase(RuntimePhase::running);
  state.take_back();
  CHECK(state.phase() == RuntimePhase::ready);
  RuntimeState answered = in_phase(RuntimePhase::answered);
  answered.take_back();
  CHECK(answered.phase() == RuntimePhase::answered);
}
