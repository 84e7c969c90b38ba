#include "extension/aws_result.h"

#include <doctest/doctest.h>

#include <string>

namespace postlude::extension {
namespace {

using Kind = AttemptResult::Kind;

AwsRequest request(std::string signing_name, std::string label) {
  AwsRequest result;
  result.signing_name = std::move(signing_name);
  result.label = std::move(label);
  return result;
}

AwsRequest queue() {
  return request("sqs", "sqs SendMessage");
}

HttpAnswer answer(int status, std::string body = {}, HttpFields fields = {}) {
  return {.status = status, .fields = std::move(fields), .body = std::move(body)};
}

HttpAnswer json_error(int status, const std::string& type) {
  return answer(status, R"({"__type":")" + type + R"(","message":"secret words"})");
}

}  // namespace

TEST_CASE("an answer of 2xx is a success") {
  for (const int status : {200, 201, 202, 204, 299}) {
    CHECK(aws_result(queue(), answer(status)).kind == Kind::success);
  }
}

TEST_CASE("an error code is found wherever services put it") {
  CHECK(aws_error_code(answer(400, "", {{"x-amzn-ErrorType", "Bad:http://internal/"}})) == "Bad");
  CHECK(aws_error_code(json_error(400, "com.amazonaws.sqs#QueueDoesNotExist")) ==
        "QueueDoesNotExist");
  CHECK(aws_error_code(answer(400, R"({"code":"Plain"})")) == "Plain");
  CHECK(aws_error_code(answer(403,
                              "<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code>"
                              "<Message>m</Message></Error>")) == "AccessDenied");
  CHECK(
      aws_error_code(answer(400,
                            "<ErrorResponse><Error><Type>Sender</Type><Code>NotFound</Code></Error>"
                            "</ErrorResponse>")) == "NotFound");
  CHECK(aws_error_code(answer(500)).empty());
  CHECK(aws_error_code(answer(500, "<html>oops</html>")).empty());
  CHECK(aws_error_code(answer(500, "{broken")).empty());
}

TEST_CASE("what cannot be a code is never taken from an answer") {
  CHECK(aws_error_code(answer(400, R"({"__type":"a secret value"})")).empty());
  CHECK(aws_error_code(answer(400, "<Code>\xc3\xa4</Code>")).empty());
  CHECK(aws_error_code(json_error(400, std::string(65, 'x'))).empty());
  CHECK(aws_error_code(answer(400, "<Code>never closed")).empty());
}

TEST_CASE("the reason names request, status and code, never what the answer says") {
  const AttemptResult result = aws_result(queue(), json_error(400, "QueueDoesNotExist"));
  CHECK(result.kind == Kind::refused);
  CHECK(result.why == "sqs SendMessage: 400 QueueDoesNotExist");
  CHECK(aws_result(queue(), answer(404, "secret")).why == "sqs SendMessage: 404");
}

TEST_CASE("throttling may be tried again, whatever its status") {
  for (const char* code : {"ThrottlingException",
                           "Throttling",
                           "ProvisionedThroughputExceededException",
                           "TooManyRequestsException",
                           "RequestLimitExceeded",
                           "SlowDown",
                           "KMSThrottlingException",
                           "RequestThrottled",
                           "RequestTimeout",
                           "RequestTimeTooSkewed",
                           "LimitExceededException"}) {
    CAPTURE(code);
    CHECK(aws_result(queue(), json_error(400, code)).kind == Kind::failed);
    CHECK(aws_result(queue(), answer(503, "<Error><Code>" + std::string(code) + "</Code></Error>"))
              .kind == Kind::failed);
  }
}

TEST_CASE("trouble of the service may be tried again, other refusals not") {
  for (const int status : {408, 425, 429, 500, 502, 503, 504}) {
    CHECK(aws_result(queue(), answer(status)).kind == Kind::failed);
  }
  for (const int status : {301, 307, 400, 401, 403, 404, 409, 413}) {
    CHECK(aws_result(queue(), answer(status)).kind == Kind::refused);
  }
}

TEST_CASE("the time a service asks for is kept") {
  const auto after = [](int status, const char* value) {
    return aws_result(queue(), answer(status, "", {{"Retry-After", value}})).retry_after;
  };
  CHECK(after(503, "7") == Millis(7000));
  CHECK(after(503, "99999") == std::chrono::hours(1));
  CHECK_FALSE(after(503, "soon"));
  CHECK_FALSE(after(503, "-1"));
  CHECK_FALSE(after(503, ""));
  CHECK_FALSE(after(404, "7"));
}

TEST_CASE("expired credentials are told from wrong ones") {
  for (const char* code : {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"}) {
    CAPTURE(code);
    CHECK(says_expired(json_error(400, code)));
    CHECK(aws_result(queue(), json_error(403, code)).kind == Kind::failed);
  }
  CHECK_FALSE(says_expired(json_error(403, "InvalidClientTokenId")));
  CHECK_FALSE(says_expired(json_error(200, "ExpiredToken")));
  CHECK(aws_result(queue(), json_error(403, "UnrecognizedClientException")).kind == Kind::refused);
}

TEST_CASE("a signature that came too late is tried again, a wrong one is not") {
  const auto kind = [](const char* message) {
    return aws_result(queue(),
                      answer(403,
                             std::string(R"({"__type":"InvalidSignatureException","message":")") +
                                 message + "\"}"))
        .kind;
  };
  CHECK(kind("Signature expired: 20260101T000000Z is now earlier than ...") == Kind::failed);
  CHECK(kind("The request signature we calculated does not match") == Kind::refused);
}

TEST_CASE("work that was done before is a success where the request says so") {
  AwsRequest start = request("states", "states StartExecution");
  const HttpAnswer exists = json_error(400, "ExecutionAlreadyExists");
  CHECK(aws_result(start, exists).kind == Kind::refused);
  start.done_code = "ExecutionAlreadyExists";
  CHECK(aws_result(start, exists).kind == Kind::success);
  CHECK(aws_result(start, json_error(400, "StateMachineDoesNotExist")).kind == Kind::refused);
}

TEST_CASE("entries that were not taken are no success") {
  const AwsRequest events = request("events", "events PutEvents");
  CHECK(aws_result(events, answer(200, R"({"FailedEntryCount":0,"Entries":[{"EventId":"1"}]})"))
            .kind == Kind::success);
  const AttemptResult denied = aws_result(
      events,
      answer(200,
             R"({"FailedEntryCount":1,"Entries":[{"EventId":"1"},{"ErrorCode":"NotAuthorized",)"
             R"("ErrorMessage":"secret"}]})"));
  CHECK(denied.kind == Kind::refused);
  CHECK(denied.why == "events PutEvents: 200 with failed entries NotAuthorized");
  CHECK(
      aws_result(
          events,
          answer(200, R"({"FailedEntryCount":1,"Entries":[{"ErrorCode":"ThrottlingException"}]})"))
          .kind == Kind::failed);
  CHECK(aws_result(request("firehose", "firehose PutRecordBatch"),
                   answer(200,
                          R"({"FailedPutCount":2,"RequestResponses":[{"RecordId":"1"},)"
                          R"({"ErrorCode":"ServiceUnavailableException"}]})"))
            .kind == Kind::failed);
  CHECK(aws_result(request("kinesis", "kinesis PutRecords"),
                   answer(200,
                          R"({"FailedRecordCount":1,"Records":[)"
                          R"({"ErrorCode":"ProvisionedThroughputExceededException"}]})"))
            .kind == Kind::failed);
  CHECK(
      aws_result(request("sqs", "sqs SendMessageBatch"),
                 answer(200, R"({"Successful":[],"Failed":[{"Id":"1","Code":"InvalidMessage"}]})"))
          .kind == Kind::refused);
  CHECK(aws_result(request("ecs", "ecs RunTask"),
                   answer(200, R"({"tasks":[],"failures":[{"reason":"RESOURCE:MEMORY"}]})"))
            .why == "ecs RunTask: 200 with failed entries RESOURCE");
  CHECK(aws_result(request("dynamodb", "dynamodb BatchWriteItem"),
                   answer(200, R"({"UnprocessedItems":{"t":[{}]}})"))
            .kind == Kind::failed);
  CHECK(aws_result(request("dynamodb", "dynamodb BatchWriteItem"),
                   answer(200, R"({"UnprocessedItems":{}})"))
            .kind == Kind::success);
}

TEST_CASE("a function that was waited for and failed is no success") {
  const AwsRequest invoke = request("lambda", "lambda POST");
  CHECK(aws_result(invoke, answer(200, "{}", {{"X-Amz-Function-Error", "Unhandled"}})).kind ==
        Kind::failed);
  CHECK(aws_result(invoke, answer(200, "{}")).kind == Kind::success);
}

TEST_CASE("no answer ends as its reason says") {
  const auto end_of = [](HttpFailure::Kind failure) {
    const AttemptResult result = unanswered("sqs SendMessage", {.kind = failure, .why = "why"});
    CHECK(result.why == "sqs SendMessage: why");
    return result.kind;
  };
  CHECK(end_of(HttpFailure::Kind::unreachable) == Kind::failed);
  CHECK(end_of(HttpFailure::Kind::timed_out) == Kind::failed);
  CHECK(end_of(HttpFailure::Kind::refused) == Kind::refused);
  CHECK(end_of(HttpFailure::Kind::stopped) == Kind::stopped);
}

}  // namespace postlude::extension
