#include "extension/aws_endpoint.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace postlude::extension {
namespace {

using Variables = std::vector<std::pair<std::string, std::string>>;

std::string text_of(const Url& url) {
  return std::string(url.tls ? "https" : "http") + "://" + url.host + ":" +
         std::to_string(url.port) + url.target;
}

std::string endpoint(const Environment& environment,
                     std::string_view service,
                     std::string_view region = "") {
  const auto found = AwsEndpoints(environment).find(service, region);
  return found ? text_of(found->base) + " " + found->region : found.error().message;
}

const Environment& in_ireland() {
  static const Environment kAll(Variables{{"AWS_REGION", "eu-west-1"}});
  return kAll;
}

}  // namespace

TEST_CASE("services have their host names in every partition") {
  CHECK(endpoint(in_ireland(), "sqs") == "https://sqs.eu-west-1.amazonaws.com:443 eu-west-1");
  CHECK(endpoint(in_ireland(), "cloudwatch") ==
        "https://monitoring.eu-west-1.amazonaws.com:443 eu-west-1");
  CHECK(endpoint(in_ireland(), "ses") == "https://email.eu-west-1.amazonaws.com:443 eu-west-1");
  CHECK(endpoint(in_ireland(), "sqs", "cn-north-1") ==
        "https://sqs.cn-north-1.amazonaws.com.cn:443 cn-north-1");
  CHECK(endpoint(in_ireland(), "sqs", "us-gov-west-1") ==
        "https://sqs.us-gov-west-1.amazonaws.com:443 us-gov-west-1");
  CHECK(endpoint(in_ireland(), "polly") == "https://polly.eu-west-1.amazonaws.com:443 eu-west-1");
}

TEST_CASE("the region is the given one, AWS_REGION, or AWS_DEFAULT_REGION") {
  const Environment fallback(Variables{{"AWS_REGION", ""}, {"AWS_DEFAULT_REGION", "eu-north-1"}});
  CHECK(endpoint(fallback, "sqs") == "https://sqs.eu-north-1.amazonaws.com:443 eu-north-1");
  CHECK(endpoint(Environment(), "sqs") ==
        "no AWS region: AWS_REGION and AWS_DEFAULT_REGION are both unset");
  CHECK(endpoint(Environment(Variables{{"AWS_REGION", "evil.example/"}}), "sqs") ==
        "the AWS region is not of the form eu-west-1");
  CHECK(endpoint(in_ireland(), "evil.example/x") == "the service is no name of an AWS service");
}

TEST_CASE("a configured endpoint goes before AWS's own, the service's before the general one") {
  Environment environment(Variables{{"AWS_REGION", "eu-west-1"},
                                    {"AWS_ENDPOINT_URL", "http://127.0.0.1:4566/"},
                                    {"AWS_ENDPOINT_URL_EVENTBRIDGE", "https://Bus.example/base/"},
                                    {"AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "http://[::1]:80"}});
  CHECK(endpoint(environment, "sqs") == "http://127.0.0.1:4566 eu-west-1");
  CHECK(endpoint(environment, "events") == "https://bus.example:443/base eu-west-1");
  CHECK(endpoint(environment, "bedrock-runtime") == "http://::1:80 eu-west-1");
  CHECK(AwsEndpoints(environment).find("sqs", "")->configured);

  environment.set("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
  CHECK(endpoint(environment, "sqs") == "https://sqs.eu-west-1.amazonaws.com:443 eu-west-1");
  CHECK_FALSE(AwsEndpoints(environment).find("sqs", "")->configured);
}

TEST_CASE("an endpoint that is no URL is an error, never another endpoint") {
  for (const char* url : {"localhost:4566",
                          "ftp://localhost",
                          "http://",
                          "http://:80",
                          "http://host:",
                          "http://host:0",
                          "http://host:65536",
                          "http://host:8x",
                          "http://[::1",
                          "http://[]",
                          "http://[::1]x",
                          "http://user@host",
                          "http://host/?query",
                          "http://ho st",
                          "http://host/\n"}) {
    CAPTURE(url);
    CHECK(endpoint(Environment(Variables{{"AWS_REGION", "eu-west-1"}, {"AWS_ENDPOINT_URL", url}}),
                   "sqs")
              .starts_with("the endpoint of sqs in AWS_ENDPOINT_URL...: "));
  }
}

TEST_CASE("a bucket is a host name, or a path where it cannot be one") {
  const auto bucket = [](const Environment& environment, std::string_view name) {
    return text_of(AwsEndpoints(environment).find_bucket(name).value().base);
  };
  CHECK(bucket(in_ireland(), "my-bucket") == "https://my-bucket.s3.eu-west-1.amazonaws.com:443");
  CHECK(bucket(in_ireland(), "my.bucket") == "https://s3.eu-west-1.amazonaws.com:443/my.bucket");
  CHECK(bucket(in_ireland(), "Old_Bucket") == "https://s3.eu-west-1.amazonaws.com:443/Old_Bucket");
  const Environment local(
      Variables{{"AWS_REGION", "eu-west-1"}, {"AWS_ENDPOINT_URL_S3", "http://s3:9000"}});
  CHECK(bucket(local, "my-bucket") == "http://s3:9000/my-bucket");
  CHECK_FALSE(AwsEndpoints(Environment()).find_bucket("b"));
}

}  // namespace postlude::extension
