#include "extension/run_aws.h"

#include "common/json_text.h"
#include "tests/fakes/scripted_http.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <utility>
#include <vector>

namespace postlude::extension {
using testing::ScriptedHttp;
using Json = nlohmann::json;

namespace {

using Variables = std::vector<std::pair<std::string, std::string>>;
using Kind = AttemptResult::Kind;

const EpochTime kDeadline = now() + std::chrono::hours(1);
constexpr const char* kQueue = "arn:aws:sqs:eu-west-1:123456789012:work";

struct Fixture {
  [[nodiscard]] AwsClient client() {
    return AwsClient({.credentials = credentials, .endpoints = endpoints, .http = http.function()});
  }

  Environment environment{Variables{{"AWS_REGION", "eu-west-1"},
                                    {"AWS_ACCESS_KEY_ID", "id"},
                                    {"AWS_SECRET_ACCESS_KEY", "secret"}}};
  Credentials credentials{environment};
  AwsEndpoints endpoints{environment};
  ScriptedHttp http;
};

TaskMessage message(std::string_view body) {
  return {
      .task_id = "r/report/0", .task_name = "report", .trace_id = {}, .body = body, .at = now()};
}

DeadLetter letter(std::string_view event) {
  return {.id = "r/report/0",
          .state = "failed",
          .attempts = 1,
          .last_error = "503",
          .definition = R"({"name":"report"})",
          .before_event = R"({"id":"r/report/0","event":)",
          .event = event,
          .after_event = ",\"response\":1,\"error\":null,\"payload\":null,\"truncated\":null}\n"};
}

Json body_of(const HttpRequest& request) {
  return parse_json(parse_json(request.body).value()["MessageBody"].get<std::string>()).value();
}

}  // namespace

TEST_CASE("an action is carried out, or says why not") {
  Fixture fixture;
  AwsAction put;
  put.service = "dynamodb";
  put.operation = "PutItem";
  fixture.http.answer(200, "{}");
  CHECK(run_aws(put, "", fixture.client(), kDeadline).kind == Kind::success);
  fixture.http.answer(400, R"({"__type":"ResourceNotFoundException"})");
  const AttemptResult missing = run_aws(put, "", fixture.client(), kDeadline);
  CHECK(missing.kind == Kind::refused);
  CHECK(missing.why == "dynamodb PutItem: 400 ResourceNotFoundException");
  put.service = "nothing-known";
  CHECK(run_aws(put, "", fixture.client(), kDeadline)
            .why.starts_with("aws: nothing-known is none of"));
  CHECK(fixture.http.requests().size() == 2);
}

TEST_CASE("a message is sent, or says why not") {
  Fixture fixture;
  fixture.http.answer(200, "{}");
  CHECK(run_send(kQueue, message("1"), fixture.client(), kDeadline).kind == Kind::success);
  CHECK(run_send("arn:aws:rds:x", message("1"), fixture.client(), kDeadline).kind == Kind::refused);
  const std::string big(std::size_t{2} << 20, '1');
  const AttemptResult refused = run_send(kQueue, message(big), fixture.client(), kDeadline);
  CHECK(refused.kind == Kind::refused);
  CHECK(refused.why.starts_with("send: the body has 2097152 bytes"));
  CHECK(fixture.http.requests().size() == 1);
}

TEST_CASE("a queue that a configured endpoint does not know is asked for its own URL, once") {
  Fixture fixture;
  fixture.environment.set("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:4566");
  fixture.endpoints = AwsEndpoints(fixture.environment);
  const char* unknown = R"({"__type":"com.amazonaws.sqs#QueueDoesNotExist"})";
  fixture.http.answer(400, unknown);
  fixture.http.answer(200, R"({"QueueUrl":"http://sqs.localhost/q"})");
  fixture.http.answer(200, "{}");
  CHECK(run_send(kQueue, message("1"), fixture.client(), kDeadline).kind == Kind::success);
  const auto requests = fixture.http.requests();
  REQUIRE(requests.size() == 3);
  const auto input = [&](std::size_t at) { return parse_json(requests[at].body).value(); };
  CHECK(input(0)["QueueUrl"] == "http://127.0.0.1:4566/123456789012/work");
  CHECK(input(1) == Json{{"QueueName", "work"}, {"QueueOwnerAWSAccountId", "123456789012"}});
  CHECK(input(2)["QueueUrl"] == "http://sqs.localhost/q");

  fixture.http.answer(400, unknown);
  fixture.http.answer(400, unknown);
  CHECK(run_send(kQueue, message("1"), fixture.client(), kDeadline).why ==
        "sqs SendMessage: 400 QueueDoesNotExist");
  CHECK(fixture.http.requests().size() == 5);
}

TEST_CASE("a queue URL that is no text, or is missing, changes nothing") {
  Fixture fixture;
  fixture.environment.set("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:4566");
  fixture.endpoints = AwsEndpoints(fixture.environment);
  for (const char* body : {R"({"QueueUrl":7})", R"({"QueueUrl":null})", "{}", "[]", "no JSON"}) {
    CAPTURE(body);
    fixture.http.answer(400, R"({"__type":"QueueDoesNotExist"})");
    fixture.http.answer(200, body);
    CHECK(run_send(kQueue, message("1"), fixture.client(), kDeadline).why ==
          "sqs SendMessage: 400 QueueDoesNotExist");
  }
  CHECK(fixture.http.requests().size() == 10);
}

TEST_CASE("a dead letter is cut to what its target takes") {
  Fixture fixture;
  const std::string event = "\"" + std::string(std::size_t{2} << 20, 'e') + "\"";
  fixture.http.answer(200, "{}");
  CHECK(send_dead_letter(kQueue, letter(event), message({}), fixture.client(), kDeadline).kind ==
        Kind::success);
  REQUIRE(fixture.http.requests().size() == 1);
  CHECK(body_of(fixture.http.requests().front())["document"]["truncated"] == Json{"event"});
}

TEST_CASE("a queue that takes less than SQS allows gets a shorter letter") {
  Fixture fixture;
  const std::string event = "\"" + std::string(500'000, 'e') + "\"";
  fixture.http.answer(400, R"({"__type":"InvalidParameterValue"})");
  fixture.http.answer(200, "{}");
  CHECK(send_dead_letter(kQueue, letter(event), message({}), fixture.client(), kDeadline).kind ==
        Kind::success);
  const auto requests = fixture.http.requests();
  REQUIRE(requests.size() == 2);
  CHECK(body_of(requests[0])["document"]["event"].get<std::string>().size() == 500'000);
  CHECK(body_of(requests[1])["document"]["event"].is_null());
}

TEST_CASE("a letter that was short already is not sent again, nor one that got no answer") {
  Fixture fixture;
  fixture.http.answer(400, R"({"__type":"QueueDoesNotExist"})");
  CHECK(send_dead_letter(kQueue, letter("1"), message({}), fixture.client(), kDeadline).why ==
        "sqs SendMessage: 400 QueueDoesNotExist");
  const std::string event = "\"" + std::string(500'000, 'e') + "\"";
  fixture.http.answer(503, "");
  CHECK(send_dead_letter(kQueue, letter(event), message({}), fixture.client(), kDeadline).kind ==
        Kind::failed);
  CHECK(fixture.http.requests().size() == 2);
}

}  // namespace postlude::extension
