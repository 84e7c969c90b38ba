#include "extension/aws_client.h"

#include "tests/fakes/scripted_http.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace postlude::extension {
using testing::field_of;
using testing::ScriptedHttp;

namespace {

using Variables = std::vector<std::pair<std::string, std::string>>;
using Kind = AttemptResult::Kind;

/// 2026-01-01T00:00:00Z
constexpr EpochTime kNow{Millis(1767225600000)};
const EpochTime kDeadline = now() + std::chrono::hours(1);
constexpr const char* kExpired = R"({"__type":"ExpiredTokenException"})";

/// A client with credentials of its own, in an environment.
struct Fixture {
  explicit Fixture(const Environment& environment)
      : credentials(environment), endpoints(environment) {}

  [[nodiscard]] AwsClient client() {
    return AwsClient(
        {.credentials = credentials, .endpoints = endpoints, .http = http.function(), .clock = [] {
           return kNow;
         }});
  }

  [[nodiscard]] tl::expected<HttpAnswer, AttemptResult> send() {
    const auto request = json_request({.service = "sqs",
                                       .operation = "SendMessage",
                                       .region = {},
                                       .trace_id = "Root=1-2",
                                       .input = "{}"},
                                      endpoints);
    REQUIRE(request);
    return client().call(*request, kDeadline);
  }

  Credentials credentials;
  AwsEndpoints endpoints;
  ScriptedHttp http;
};

Environment with_keys() {
  return Environment(Variables{{"AWS_REGION", "eu-west-1"},
                               {"AWS_ACCESS_KEY_ID", "id"},
                               {"AWS_SECRET_ACCESS_KEY", "secret"},
                               {"AWS_SESSION_TOKEN", "token"}});
}

Environment with_endpoint() {
  return Environment(Variables{{"AWS_REGION", "eu-west-1"},
                               {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:9/c"}});
}

std::string keys(const std::string& id) {
  return R"({"AccessKeyId":")" + id + R"(","SecretAccessKey":"s"})";
}

}  // namespace

TEST_CASE("a request is signed with the function's credentials at the clock's time") {
  Fixture fixture(with_keys());
  fixture.http.answer(200, "{}");
  const auto answer = fixture.send();
  REQUIRE(answer);
  CHECK(answer->body == "{}");
  REQUIRE(fixture.http.requests().size() == 1);
  const HttpRequest request = fixture.http.requests().front();
  CHECK(field_of(request, "X-Amz-Date") == "20260101T000000Z");
  CHECK(field_of(request, "X-Amz-Security-Token") == "token");
  CHECK(field_of(request, "Authorization")
            .starts_with("AWS4-HMAC-SHA256 Credential=id/20260101/eu-west-1/sqs/aws4_request, "
                         "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;"
                         "x-amz-target, Signature="));
}

TEST_CASE("expired credentials are fetched anew and the request goes out once more") {
  Fixture fixture(with_endpoint());
  fixture.http.answer(200, keys("one"));
  fixture.http.answer(400, kExpired);
  fixture.http.answer(200, keys("two"));
  fixture.http.answer(200, "{}");
  CHECK(fixture.send());
  const auto requests = fixture.http.requests();
  REQUIRE(requests.size() == 4);
  CHECK(field_of(requests[1], "Authorization").find("Credential=one/") != std::string::npos);
  CHECK(field_of(requests[3], "Authorization").find("Credential=two/") != std::string::npos);
  CHECK(requests[3].fields.size() == requests[1].fields.size());
}

TEST_CASE("credentials that stay expired end the attempt, which may be tried again") {
  Fixture fixture(with_endpoint());
  fixture.http.answer(200, keys("one"));
  fixture.http.answer(400, kExpired);
  fixture.http.answer(200, keys("two"));
  fixture.http.answer(400, kExpired);
  const auto answer = fixture.send();
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == Kind::failed);
  CHECK(answer.error().why == "sqs SendMessage: 400 ExpiredTokenException");
  CHECK(fixture.http.requests().size() == 4);
}

TEST_CASE("where there are no newer credentials nothing is sent twice") {
  Fixture of_environment(with_keys());
  of_environment.http.answer(400, kExpired);
  CHECK(of_environment.send().error().kind == Kind::failed);
  CHECK(of_environment.http.requests().size() == 1);

  Fixture the_same(with_endpoint());
  the_same.http.answer(200, keys("one"));
  the_same.http.answer(400, kExpired);
  the_same.http.answer(200, keys("one"));
  CHECK(the_same.send().error().kind == Kind::failed);
  CHECK(the_same.http.requests().size() == 3);

  Fixture no_endpoint_left(with_endpoint());
  no_endpoint_left.http.answer(200, keys("one"));
  no_endpoint_left.http.answer(400, kExpired);
  no_endpoint_left.http.answer(500, "");
  CHECK(no_endpoint_left.send().error().why == "sqs SendMessage: 400 ExpiredTokenException");
}

TEST_CASE("without credentials nothing is sent") {
  Fixture fixture{Environment(Variables{{"AWS_REGION", "eu-west-1"}})};
  const auto answer = fixture.send();
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == Kind::refused);
  CHECK(answer.error().why.starts_with("no AWS credentials"));
  CHECK(fixture.http.requests().empty());
}

TEST_CASE("refusals, throttling and silence end the attempt as they are") {
  Fixture fixture(with_keys());
  fixture.http.answer(400, R"({"__type":"com.amazonaws.sqs#QueueDoesNotExist"})");
  CHECK(fixture.send().error().kind == Kind::refused);
  fixture.http.answer(400, R"({"__type":"ThrottlingException"})", {{"Retry-After", "3"}});
  const auto throttled = fixture.send();
  CHECK(throttled.error().kind == Kind::failed);
  CHECK(throttled.error().retry_after == Millis(3000));
  fixture.http.fail(HttpFailure::Kind::stopped, "stopped");
  CHECK(fixture.send().error().kind == Kind::stopped);
  fixture.http.fail(HttpFailure::Kind::timed_out, "no answer in time");
  CHECK(fixture.send().error().why == "sqs SendMessage: no answer in time");
}

}  // namespace postlude::extension
