#include "runtime/invocation.h"

#include <doctest/doctest.h>

#include <functional>
#include <utility>
#include <vector>

using namespace postlude;
using namespace postlude::runtime;

namespace {

constexpr EpochTime kEvent{Millis(1000)};
constexpr EpochTime kLater{Millis(1500)};
using Kind = Invocation::AnswerKind;
using Source = Invocation::AnswerSource;
using Turn = Invocation::Turn;

Invocation fresh() {
  return Invocation({.key = {"r", 1},
                     .event_time = kEvent,
                     .deadline = kEvent + Millis(30000),
                     .function_arn = "arn",
                     .trace_id = "trace",
                     .tenant_id = std::nullopt,
                     .invocation_id = {},
                     .cognito_identity = {}});
}

Invocation answered(Kind kind, int status) {
  Invocation invocation = fresh();
  CHECK(invocation.begin_answer(kind) == Turn::counts);
  invocation.acknowledge(status, kLater);
  return invocation;
}

}  // namespace

TEST_CASE("a response that the platform took with 202 is a success") {
  CHECK(answered(Kind::response, 202).outcome() == Outcome::success);
}

TEST_CASE("a posted error is a failure, although the platform took it") {
  CHECK(answered(Kind::error, 202).outcome() == Outcome::failure);
}

TEST_CASE("an answer that was too large or too late is a failure") {
  CHECK(answered(Kind::response, 413).outcome() == Outcome::failure);
  CHECK(answered(Kind::response, 410).outcome() == Outcome::failure);
}

TEST_CASE("any other status leaves the invocation unanswered, and a second answer counts") {
  for (const int status : {0, 200, 400, 403, 404, 500}) {
    Invocation invocation = answered(Kind::response, status);
    CHECK_FALSE(invocation.outcome());
    CHECK(invocation.begin_answer(Kind::error) == Turn::counts);
    invocation.acknowledge(202, kLater);
    CHECK(invocation.outcome() == Outcome::failure);
  }
}

TEST_CASE("an error trailer makes a response that was taken a failure") {
  Invocation invocation = fresh();
  CHECK(invocation.begin_answer(Kind::response) == Turn::counts);
  invocation.error_trailer();
  invocation.acknowledge(202, kLater);
  CHECK(invocation.outcome() == Outcome::failure);
}

TEST_CASE("the error trailer of a refused response does not stick to the next answer") {
  Invocation invocation = fresh();
  CHECK(invocation.begin_answer(Kind::response) == Turn::counts);
  invocation.error_trailer();
  invocation.acknowledge(400, kLater);
  CHECK(invocation.begin_answer(Kind::response) == Turn::counts);
  invocation.acknowledge(202, kLater);
  CHECK(invocation.outcome() == Outcome::success);
}

TEST_CASE("a cut answer is a failure, and what the platform says of it later changes nothing") {
  Invocation invocation = fresh();
  CHECK(invocation.begin_answer(Kind::response) == Turn::counts);
  invocation.answer_cut(kLater);
  invocation.acknowledge(202, kLater);
  CHECK(invocation.outcome() == Outcome::failure);
}

TEST_CASE("a second answer does not count while the first is under way or was taken") {
  Invocation invocation = fresh();
  CHECK(invocation.begin_answer(Kind::response) == Turn::counts);
  CHECK(invocation.begin_answer(Kind::response) == Turn::ignored);
  CHECK(invocation.begin_answer(Kind::error) == Turn::ignored);
  invocation.acknowledge(202, kLater);
  CHECK(invocation.begin_answer(Kind::error) == Turn::ignored);
  CHECK(invocation.outcome() == Outcome::success);
}

TEST_CASE("an outcome, once fixed, survives every later event") {
  for (const int status : {202, 413}) {
    Invocation invocation = answered(Kind::response, status);
    const auto before = invocation.outcome();
    invocation.error_trailer();
    invocation.answer_cut(kLater);
    invocation.acknowledge(410, kLater);
    invocation.late_error("Function.Late");
    invocation.runtime_died(kLater);
    CHECK(invocation.outcome() == before);
    CHECK(invocation.late_error_type() == "Function.Late");
  }
}

TEST_CASE(
    "an invocation is over when it was answered and the runtime asked for more, in any order") {
  Invocation answer_first = answered(Kind::response, 202);
  CHECK_FALSE(answer_first.over());
  answer_first.next_asked();
  CHECK(answer_first.over());

  Invocation poll_first = fresh();
  CHECK(poll_first.begin_answer(Kind::response) == Turn::counts);
  poll_first.next_asked();
  CHECK_FALSE(poll_first.over());
  poll_first.acknowledge(202, kLater);
  CHECK(poll_first.over());
}

TEST_CASE("an event that is delivered again is not over when its first poll was without answer") {
  Invocation invocation = fresh();
  invocation.next_asked();
  invocation.delivered_again();
  CHECK(invocation.begin_answer(Kind::response) == Turn::counts);
  invocation.acknowledge(202, kLater);
  CHECK_FALSE(invocation.over());
}

TEST_CASE("the death of the runtime ends an invocation, as a failure if it was not answered") {
  Invocation invocation = fresh();
  invocation.runtime_died(kLater);
  CHECK(invocation.over());
  CHECK(invocation.outcome() == Outcome::failure);
  CHECK(invocation.response_end() == kLater);
}

TEST_CASE("the response ends when its last byte was sent, not when the platform said so") {
  Invocation invocation = fresh();
  CHECK(invocation.begin_answer(Kind::response) == Turn::counts);
  invocation.answer_sent(kEvent + Millis(40));
  invocation.acknowledge(202, kLater);
  CHECK(invocation.response_end() == kEvent + Millis(40));
}

TEST_CASE("beside an early answer the runtime's waits, and is discarded once that was taken") {
  Invocation invocation = fresh();
  CHECK(invocation.begin_answer(Kind::response, Source::function) == Turn::counts);
  CHECK(invocation.answering_early());
  CHECK(invocation.begin_answer(Kind::response) == Turn::waits);
  CHECK(invocation.begin_answer(Kind::error) == Turn::waits);
  invocation.acknowledge(202, kLater);
  CHECK(invocation.outcome() == Outcome::success);
  CHECK_FALSE(invocation.answering_early());
  CHECK(invocation.begin_answer(Kind::response) == Turn::discards);
  CHECK(invocation.begin_answer(Kind::error) == Turn::discards);
  CHECK(invocation.begin_answer(Kind::response, Source::function) == Turn::refused);
  CHECK(invocation.outcome() == Outcome::success);
}

TEST_CASE("an early answer waits for the runtime's and is refused once that was taken") {
  Invocation invocation = fresh();
  CHECK(invocation.begin_answer(Kind::response) == Turn::counts);
  CHECK(invocation.begin_answer(Kind::response, Source::function) == Turn::waits);
  invocation.acknowledge(202, kLater);
  CHECK(invocation.begin_answer(Kind::response, Source::function) == Turn::refused);
  // As without us: the platform refuses a second one of the runtime itself.
  CHECK(invocation.begin_answer(Kind::response) == Turn::ignored);
}

TEST_CASE("where the first answer is refused or withdrawn, the one that waits becomes the answer") {
  const auto refused = [](Invocation& invocation) { invocation.acknowledge(403, kLater); };
  const auto lost = [](Invocation& invocation) { invocation.acknowledge(0, kLater); };
  const auto withdrawn = [](Invocation& invocation) { invocation.answer_withdrawn(); };
  for (const auto& end : {std::function<void(Invocation&)>(refused), {lost}, {withdrawn}}) {
    for (const auto& [first, second] :
         {std::pair(Source::function, Source::runtime), {Source::runtime, Source::function}}) {
      Invocation invocation = fresh();
      CHECK(invocation.begin_answer(Kind::response, first) == Turn::counts);
      CHECK(invocation.begin_answer(Kind::response, second) == Turn::waits);
      end(invocation);
      CHECK_FALSE(invocation.outcome());
      CHECK(invocation.begin_answer(Kind::response, second) == Turn::counts);
      invocation.acknowledge(202, kLater);
      CHECK(invocation.outcome() == Outcome::success);
    }
  }
}

TEST_CASE("an early answer that was cut after its first byte is the answer, and a failure") {
  Invocation invocation = fresh();
  CHECK(invocation.begin_answer(Kind::response, Source::function) == Turn::counts);
  CHECK(invocation.begin_answer(Kind::response) == Turn::waits);
  invocation.answer_cut(kLater);
  CHECK(invocation.outcome() == Outcome::failure);
  CHECK(invocation.begin_answer(Kind::response) == Turn::discards);
}

namespace {

/// What the platform has seen of one invocation, followed beside the state machine.
struct Seen {
  bool under_way = false;
  bool early = false;  ///< the answer under way, or given
  bool settled = false;
  int answers_taken = 0;
};

void begin(Invocation& invocation, Seen& seen, Source source) {
  const bool early = source == Source::function;
  const Turn turn = invocation.begin_answer(Kind::response, source);
  if (!seen.under_way && !seen.settled) {
    REQUIRE(turn == Turn::counts);
    seen.under_way = true;
    seen.early = early;
  } else if (seen.settled) {
    REQUIRE(turn == (early ? Turn::refused : seen.early ? Turn::discards : Turn::ignored));
  } else {
    REQUIRE(turn == (early || seen.early ? Turn::waits : Turn::ignored));
  }
}

/// One of the things that can happen; false where it cannot happen now.
bool happen(int what, Invocation& invocation, Seen& seen) {
  if (what < 2) {
    begin(invocation, seen, what == 0 ? Source::runtime : Source::function);
    return true;
  }
  if (!seen.under_way) {
    return false;
  }
  seen.under_way = false;
  switch (what) {
    case 2:
      invocation.acknowledge(202, kLater);
      seen.settled = true;
      ++seen.answers_taken;
      break;
    case 3:
      invocation.acknowledge(413, kLater);
      seen.settled = true;
      break;
    case 4:
      invocation.answer_cut(kLater);
      seen.settled = true;
      break;
    case 5:
      invocation.acknowledge(403, kLater);
      break;
    default:
      invocation.answer_withdrawn();
      break;
  }
  return true;
}

int check_all_orders(const Invocation& invocation, const Seen& seen, int left) {
  REQUIRE(seen.answers_taken <= 1);
  REQUIRE(invocation.outcome().has_value() == seen.settled);
  REQUIRE(invocation.answering() == seen.under_way);
  REQUIRE(invocation.answering_early() == (seen.under_way && seen.early));
  int orders = 1;
  constexpr int kThings = 7;
  for (int what = 0; left > 0 && what < kThings; ++what) {
    Invocation next = invocation;
    Seen then = seen;
    if (happen(what, next, then)) {
      orders += check_all_orders(next, then, left - 1);
    }
  }
  return orders;
}

}  // namespace

TEST_CASE(
    "whatever the order of two sides' answers, the platform takes one and nothing more counts") {
  CHECK(check_all_orders(fresh(), {}, 8) > 10'000);
}
