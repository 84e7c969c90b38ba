#include "tests/emulator/managed_invocations.h"

#include "tests/emulator/invocation.h"

#include <doctest/doctest.h>

#include <string>

using namespace postlude::emulator;  // NOLINT(google-build-using-namespace)

namespace {

using Offer = ManagedInvocations::Offer;

RuntimeEvent event(const std::string& id, const std::string& attempt = {}) {
  InvocationRequest request;
  request.request_id = id;
  request.attempt_id = attempt;
  return {std::make_shared<Invocation>(std::move(request)), 1};
}

std::string id_of(const std::optional<RuntimeEvent>& taken) {
  return taken ? taken->invocation->request().request_id : std::string("(none)");
}

int status_of(ManagedInvocations& all, const AnswerIds& ids, RuntimePhase kind) {
  const auto begun = all.begin_answer(ids, kind);
  const auto* refusal = std::get_if<Refusal>(&begun);
  return refusal != nullptr ? refusal->status : 202;
}

constexpr RuntimePhase kResponse = RuntimePhase::responding;
constexpr RuntimePhase kError = RuntimePhase::reporting_error;

}  // namespace

TEST_CASE("each parked poll is a worker, and the one that waits longest gets the event") {
  ManagedInvocations all;
  CHECK(all.offer(event("early")) == Offer::unavailable);
  const auto first = all.poll();
  const auto second = all.poll();
  CHECK(all.idle() == 2);
  CHECK(all.offer(event("a")) == Offer::taken);
  CHECK(id_of(all.take(second)) == "(none)");
  CHECK(all.offer(event("a")) == Offer::duplicate);
  CHECK(all.offer(event("b")) == Offer::taken);
  CHECK(all.offer(event("c")) == Offer::unavailable);
  CHECK(id_of(all.take(second)) == "b");
  CHECK(id_of(all.take(first)) == "a");
  CHECK(id_of(all.take(first)) == "(none)");
}

TEST_CASE("answers come in any order and are told apart by the request id alone") {
  ManagedInvocations all;
  for (const char* id : {"a", "b"}) {
    const auto worker = all.poll();
    CHECK(all.offer(event(id)) == Offer::taken);
    static_cast<void>(all.take(worker));
  }
  CHECK(status_of(all, {"b", {}}, kResponse) == 202);
  CHECK(all.running("b"));
  all.answer_done("b");
  CHECK_FALSE(all.running("b"));
  CHECK(status_of(all, {"b", {}}, kResponse) == 400);
  CHECK(status_of(all, {"x", {}}, kResponse) == 400);
  CHECK(status_of(all, {"a", {}}, kError) == 202);
}

TEST_CASE("while a response is read a second one is refused and an error is taken once") {
  ManagedInvocations all;
  static_cast<void>(all.poll());
  CHECK(all.offer(event("a")) == Offer::taken);
  CHECK(status_of(all, {"a", {}}, kResponse) == 202);
  CHECK(status_of(all, {"a", {}}, kResponse) == 400);
  CHECK(status_of(all, {"a", {}}, kError) == 202);
  CHECK(status_of(all, {"a", {}}, kError) == 400);
}

TEST_CASE("one late answer of an invocation that timed out is told so") {
  ManagedInvocations all;
  const auto worker = all.poll();
  CHECK(all.offer(event("a")) == Offer::taken);
  static_cast<void>(all.take(worker));
  all.expire("a");
  CHECK_FALSE(all.running("a"));
  CHECK(status_of(all, {"a", {}}, kResponse) == 410);
  CHECK(status_of(all, {"a", {}}, kResponse) == 400);
  all.expire("never");
  CHECK(status_of(all, {"never", {}}, kResponse) == 400);
}

TEST_CASE("of timed out invocations the last thousand are remembered") {
  ManagedInvocations all;
  for (std::size_t i = 0; i <= ManagedInvocations::kRememberedTimeouts; ++i) {
    const auto worker = all.poll();
    REQUIRE(all.offer(event(std::to_string(i))) == Offer::taken);
    static_cast<void>(all.take(worker));
    all.expire(std::to_string(i));
  }
  CHECK(status_of(all, {"0", {}}, kResponse) == 400);
  CHECK(status_of(all, {"1", {}}, kResponse) == 410);
  CHECK(status_of(all, {"1000", {}}, kError) == 410);
}

TEST_CASE("an invocation that times out before its poll was answered leaves the worker idle") {
  ManagedInvocations all;
  const auto worker = all.poll();
  CHECK(all.offer(event("a")) == Offer::taken);
  all.expire("a");
  CHECK(all.idle() == 1);
  CHECK(all.offer(event("b")) == Offer::taken);
  CHECK(id_of(all.take(worker)) == "b");
}

TEST_CASE("a poll that is gone is no worker any more and takes its event with it") {
  ManagedInvocations all;
  const auto first = all.poll();
  const auto second = all.poll();
  CHECK(id_of(all.gone(first)) == "(none)");
  CHECK(all.idle() == 1);
  CHECK(all.offer(event("a")) == Offer::taken);
  CHECK(id_of(all.gone(second)) == "a");
  CHECK(all.idle() == 0);
}

TEST_CASE("an echoed invocation id of another attempt is gone, and the right one is taken") {
  ManagedInvocations all;
  static_cast<void>(all.poll());
  CHECK(all.offer(event("a", "attempt-2")) == Offer::taken);
  CHECK(status_of(all, {"a", "attempt-1"}, kResponse) == 410);
  CHECK(status_of(all, {"a", "attempt-1"}, kError) == 410);
  CHECK(status_of(all, {"a", "attempt-2"}, kResponse) == 202);
}
