#include "runtime/handler_lane.h"

#include "common/http_head.h"

#include <doctest/doctest.h>

namespace postlude::runtime {
namespace {

Reenter attempt(const std::string& id) {
  return {.key = {"r1", 1},
          .request_id = id,
          .deadline = from_epoch_ms(1775516174092),
          .function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:f",
          .trace_id = "Root=1-5759e988",
          .tenant_id = "blue",
          .cognito_identity = R"({"cognitoIdentityId":"i"})",
          .client_context = R"({"custom":{"postlude.task":"t"}})",
          .event_bytes = 17,
          .depth = 1};
}

}  // namespace

TEST_CASE("an attempt is offered, taken once, answered once, and over with the next poll") {
  HandlerLane lane;
  CHECK_FALSE(lane.take());
  CHECK_FALSE(lane.answered());
  lane.offer(attempt("a1"), UniqueFd());
  CHECK(lane.offered());
  CHECK_FALSE(lane.busy());
  CHECK_FALSE(lane.is("a1"));
  REQUIRE(lane.take());
  CHECK_FALSE(lane.take());
  CHECK(lane.is("a1"));
  CHECK_FALSE(lane.is("a2"));
  CHECK(lane.answered());
  CHECK(lane.has_answer());
  CHECK_FALSE(lane.answered());
  CHECK(lane.is("a1"));
  CHECK_FALSE(lane.polled());
  CHECK_FALSE(lane.busy());
}

TEST_CASE("a runtime that polls instead of answering left its attempt") {
  HandlerLane lane;
  lane.offer(attempt("a1"), UniqueFd());
  CHECK_FALSE(lane.polled());
  CHECK(lane.offered());
  REQUIRE(lane.take());
  CHECK(lane.polled() == "a1");
  CHECK_FALSE(lane.polled());
}

TEST_CASE("one answer of an attempt at a time, and a poll in the middle of it leaves none") {
  HandlerLane lane;
  lane.offer(attempt("a1"), UniqueFd());
  CHECK_FALSE(lane.was_last("a1"));
  CHECK_FALSE(lane.begin_answer());
  REQUIRE(lane.take());
  CHECK(lane.begin_answer());
  CHECK_FALSE(lane.begin_answer());
  lane.answer_cut();
  CHECK(lane.begin_answer());
  CHECK(lane.is("a1"));
  CHECK(lane.polled() == "a1");
  CHECK_FALSE(lane.answered());
  CHECK(lane.was_last("a1"));
}

TEST_CASE("the runtime gets the head that the platform would send") {
  HandlerLane lane;
  lane.offer(attempt("a1"), UniqueFd());
  const auto event = lane.take();
  REQUIRE(event);
  CHECK(event->bytes == 17);
  const HttpHead head(event->head);
  CHECK(head.status() == 200);
  CHECK(head.find("Content-Length") == "17");
  CHECK(head.find("Lambda-Runtime-Aws-Request-Id") == "a1");
  CHECK(head.find("Lambda-Runtime-Deadline-Ms") == "1775516174092");
  CHECK(head.find("Lambda-Runtime-Invoked-Function-Arn") ==
        "arn:aws:lambda:eu-west-1:123456789012:function:f");
  CHECK(head.find("Lambda-Runtime-Trace-Id") == "Root=1-5759e988");
  CHECK(head.find("Lambda-Runtime-Aws-Tenant-Id") == "blue");
  CHECK(head.find("Lambda-Runtime-Cognito-Identity") == R"({"cognitoIdentityId":"i"})");
  CHECK(head.find("Lambda-Runtime-Client-Context") == R"({"custom":{"postlude.task":"t"}})");
}

TEST_CASE("what the event did not have, the runtime does not get") {
  Reenter plain = attempt("a1");
  plain.trace_id.clear();
  plain.cognito_identity.clear();
  plain.tenant_id.reset();
  const std::string text = own_event_head(plain);
  const HttpHead head(text);
  CHECK_FALSE(head.find("Lambda-Runtime-Trace-Id"));
  CHECK_FALSE(head.find("Lambda-Runtime-Aws-Tenant-Id"));
  CHECK_FALSE(head.find("Lambda-Runtime-Cognito-Identity"));
}

}  // namespace postlude::runtime
