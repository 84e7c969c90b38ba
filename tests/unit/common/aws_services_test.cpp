#include "common/aws_services.h"

#include <doctest/doctest.h>

#include <string>

namespace postlude {

TEST_CASE("every service of the contract has a JSON protocol") {
  CHECK(json_service_names() ==
        "dynamodb, sqs, events, states, kinesis, firehose, logs, ssm, secretsmanager, kms, ecs, "
        "cloudwatch");
  for (const char* name : {"dynamodb", "ecs", "cloudwatch"}) {
    const AwsService* const service = find_aws_service(name);
    REQUIRE(service != nullptr);
    CHECK((service->json_version == "1.0" || service->json_version == "1.1"));
  }
}

TEST_CASE("names that differ from place to place are known") {
  CHECK(find_aws_service("cloudwatch")->endpoint == "monitoring");
  CHECK(find_aws_service("cloudwatch")->signing_name == "monitoring");
  CHECK(find_aws_service("ses")->endpoint == "email");
  CHECK(find_aws_service("ses")->signing_name == "ses");
  CHECK(find_aws_service("SQS") == nullptr);
}

TEST_CASE("endpoint variables are spelled as AWS spells them") {
  CHECK(endpoint_id_of("events") == "EVENTBRIDGE");
  CHECK(endpoint_id_of("states") == "SFN");
  CHECK(endpoint_id_of("logs") == "CLOUDWATCH_LOGS");
  CHECK(endpoint_id_of("secretsmanager") == "SECRETS_MANAGER");
  CHECK(endpoint_id_of("cloudwatch") == "CLOUDWATCH");
  CHECK(endpoint_id_of("ses") == "SESV2");
  CHECK(endpoint_id_of("some-service.two") == "SOME_SERVICE_TWO");
}

TEST_CASE("a service's name may be the beginning of a host name") {
  for (const char* name : {"sqs", "bedrock-runtime", "data.iot", "s3"}) {
    CHECK(valid_service_name(name));
  }
  for (const char* name : {"", "SQS", ".a", "a.", "a..b", "a/b", "a@b", "a b", "-a"}) {
    CAPTURE(name);
    CHECK_FALSE(valid_service_name(name));
  }
  CHECK_FALSE(valid_service_name(std::string(64, 'a')));
}

}  // namespace postlude
