#include "extension/aws_request.h"

#include "tests/fakes/scripted_http.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace postlude::extension {
using testing::field_of;

namespace {

using Variables = std::vector<std::pair<std::string, std::string>>;

const AwsEndpoints& endpoints() {
  static const AwsEndpoints kAll(Environment(Variables{{"AWS_REGION", "eu-west-1"}}));
  return kAll;
}

AwsAction action(std::string service, std::string operation) {
  AwsAction result;
  result.service = std::move(service);
  result.operation = std::move(operation);
  return result;
}

AwsAction rest(std::string service, std::string method, std::string path) {
  AwsAction result;
  result.service = std::move(service);
  result.method = std::move(method);
  result.path = std::move(path);
  return result;
}

}  // namespace

TEST_CASE("an operation of a JSON service is a POST with its target") {
  AwsAction put = action("dynamodb", "PutItem");
  put.input = R"({"TableName":"t"})";
  const auto request = aws_request(put, endpoints(), "Root=1-2");
  REQUIRE(request);
  CHECK(request->http.method == "POST");
  CHECK(request->http.url.host == "dynamodb.eu-west-1.amazonaws.com");
  CHECK(request->http.url.target == "/");
  CHECK(field_of(request->http, "X-Amz-Target") == "DynamoDB_20120810.PutItem");
  CHECK(field_of(request->http, "Content-Type") == "application/x-amz-json-1.0");
  CHECK(field_of(request->http, "X-Amzn-Trace-Id") == "Root=1-2");
  CHECK(request->http.body == put.input);
  CHECK(request->signing_name == "dynamodb");
  CHECK(request->region == "eu-west-1");
  CHECK(request->label == "dynamodb PutItem");
}

TEST_CASE("targets and versions of the known services are AWS's") {
  struct Known {
    const char* service;
    const char* target;
    const char* type;
  };
  for (const Known& known :
       {Known{"sqs", "AmazonSQS.X", "application/x-amz-json-1.0"},
        Known{"events", "AWSEvents.X", "application/x-amz-json-1.1"},
        Known{"states", "AWSStepFunctions.X", "application/x-amz-json-1.0"},
        Known{"kinesis", "Kinesis_20131202.X", "application/x-amz-json-1.1"},
        Known{"firehose", "Firehose_20150804.X", "application/x-amz-json-1.1"},
        Known{"logs", "Logs_20140328.X", "application/x-amz-json-1.1"},
        Known{"ssm", "AmazonSSM.X", "application/x-amz-json-1.1"},
        Known{"secretsmanager", "secretsmanager.X", "application/x-amz-json-1.1"},
        Known{"kms", "TrentService.X", "application/x-amz-json-1.1"},
        Known{"ecs", "AmazonEC2ContainerServiceV20141113.X", "application/x-amz-json-1.1"},
        Known{"cloudwatch", "GraniteServiceVersion20100801.X", "application/x-amz-json-1.0"}}) {
    CAPTURE(known.service);
    const auto request = aws_request(action(known.service, "X"), endpoints(), "");
    REQUIRE(request);
    CHECK(field_of(request->http, "X-Amz-Target") == known.target);
    CHECK(field_of(request->http, "Content-Type") == known.type);
    CHECK(field_of(request->http, "X-Amzn-Trace-Id").empty());
  }
}

TEST_CASE("another service brings its own target, version and signing name") {
  AwsAction glue = action("glue", "StartJobRun");
  CHECK_FALSE(aws_request(glue, endpoints(), ""));
  CHECK(aws_request(glue, endpoints(), "").error().message.find("dynamodb, sqs") !=
        std::string::npos);
  glue.target = "AWSGlue";
  const auto usual = aws_request(glue, endpoints(), "");
  REQUIRE(usual);
  CHECK(field_of(usual->http, "Content-Type") == "application/x-amz-json-1.1");
  CHECK(usual->signing_name == "glue");
  glue.json_version = "1.0";
  glue.signing_name = "glue-test";
  const auto own = aws_request(glue, endpoints(), "");
  REQUIRE(own);
  CHECK(field_of(own->http, "X-Amz-Target") == "AWSGlue.StartJobRun");
  CHECK(field_of(own->http, "Content-Type") == "application/x-amz-json-1.0");
  CHECK(own->signing_name == "glue-test");
}

TEST_CASE("a REST service is asked by method and path") {
  AwsAction mail = rest("ses", "POST", "/v2/email/outbound-emails?x=1");
  mail.input = R"({"Content":{}})";
  const auto request = aws_request(mail, endpoints(), "");
  REQUIRE(request);
  CHECK(request->http.method == "POST");
  CHECK(request->http.url.host == "email.eu-west-1.amazonaws.com");
  CHECK(request->http.url.target == "/v2/email/outbound-emails?x=1");
  CHECK(request->signing_name == "ses");
  CHECK(request->http.body == mail.input);
  CHECK(field_of(request->http, "Content-Type") == "application/json");
  CHECK(field_of(request->http, "X-Amz-Target").empty());
  CHECK(request->label == "ses POST");
}

TEST_CASE("what only asks or deletes has no body unless it is given one") {
  for (const char* method : {"GET", "DELETE", "HEAD"}) {
    AwsAction plain = rest("xray", method, "/x");
    const auto bare = aws_request(plain, endpoints(), "");
    REQUIRE(bare);
    CHECK(bare->http.body.empty());
    CHECK(field_of(bare->http, "Content-Type").empty());
    plain.input = R"({"a":1})";
    CHECK(aws_request(plain, endpoints(), "")->http.body == plain.input);
  }
  CHECK(aws_request(rest("xray", "POST", "/x"), endpoints(), "")->http.body == "{}");
}

TEST_CASE("the path of an endpoint comes before that of a request") {
  const AwsEndpoints local(Environment(
      Variables{{"AWS_REGION", "eu-west-1"}, {"AWS_ENDPOINT_URL", "http://localhost:1/base"}}));
  CHECK(aws_request(action("sqs", "X"), local, "")->http.url.target == "/base/");
  CHECK(aws_request(rest("xray", "GET", "/x"), local, "")->http.url.target == "/base/x");
}

TEST_CASE("nothing that a template brought becomes another field or request line") {
  AwsAction bad_target = action("sqs", "X");
  bad_target.target = "A\r\nEvil: 1";
  AwsAction bad_version = action("sqs", "X");
  bad_version.json_version = "1.0\r\nEvil: 1";
  AwsAction bad_signer = action("sqs", "X");
  bad_signer.signing_name = "a/b";
  for (const AwsAction& bad : {bad_target,
                               bad_version,
                               bad_signer,
                               action("sqs", "X\r\nEvil: 1"),
                               action("sqs", ""),
                               action("evil.example/", "X"),
                               rest("xray", "GET ", "/x"),
                               rest("xray", "GET", "x"),
                               rest("xray", "GET", "/x HTTP/1.1\r\nEvil: 1"),
                               rest("xray", "GET", "/x#fragment"),
                               rest("xray", "GET", "/\xc3\xa4")}) {
    CHECK_FALSE(aws_request(bad, endpoints(), ""));
  }
  CHECK(field_of(aws_request(action("sqs", "X"), endpoints(), "a\r\nb")->http, "X-Amzn-Trace-Id")
            .empty());
}

}  // namespace postlude::extension
