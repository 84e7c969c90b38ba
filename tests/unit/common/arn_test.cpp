#include "common/arn.h"

#include <doctest/doctest.h>

#include <string>

namespace postlude {
namespace {

TargetArn parsed(std::string_view text) {
  CAPTURE(text);
  auto arn = parse_target_arn(text);
  REQUIRE(arn);
  CHECK(arn->text == text);
  return *arn;
}

std::string refusal(std::string_view text) {
  CAPTURE(text);
  const auto arn = parse_target_arn(text);
  REQUIRE_FALSE(arn);
  return arn.error().message;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

TEST_CASE("every kind of target is told by its ARN") {
  const TargetArn queue = parsed("arn:aws:sqs:eu-west-1:123456789012:work");
  CHECK(queue.kind == TargetKind::sqs);
  CHECK(queue.partition == "aws");
  CHECK(queue.region == "eu-west-1");
  CHECK(queue.account == "123456789012");
  CHECK(queue.name == "work");
  CHECK_FALSE(queue.fifo);
  CHECK(parsed("arn:aws:sns:eu-west-1:123456789012:news").kind == TargetKind::sns);
  const TargetArn bus = parsed("arn:aws:events:eu-west-1:123456789012:event-bus/my/bus.1");
  CHECK(bus.kind == TargetKind::event_bus);
  CHECK(bus.name == "my/bus.1");
  CHECK(parsed("arn:aws:lambda:eu-west-1:123456789012:function:f").kind == TargetKind::function);
  CHECK(parsed("arn:aws:states:eu-west-1:123456789012:stateMachine:m").kind ==
        TargetKind::state_machine);
  CHECK(parsed("arn:aws:kinesis:eu-west-1:123456789012:stream/s").kind == TargetKind::kinesis);
  CHECK(parsed("arn:aws:firehose:eu-west-1:123456789012:deliverystream/d").kind ==
        TargetKind::firehose);
}

TEST_CASE("FIFO queues and topics are told by their names") {
  CHECK(parsed("arn:aws:sqs:eu-west-1:123456789012:work.fifo").fifo);
  CHECK(parsed("arn:aws:sns:eu-west-1:123456789012:news.fifo").fifo);
  CHECK_FALSE(parsed("arn:aws:events:eu-west-1:123456789012:event-bus/b.fifo").fifo);
}

TEST_CASE("a qualifier stands beside the name") {
  const TargetArn function = parsed("arn:aws:lambda:eu-west-1:123456789012:function:f:$LATEST");
  CHECK(function.name == "f");
  CHECK(function.rest == "$LATEST");
  CHECK(parsed("arn:aws:states:eu-west-1:123456789012:stateMachine:m:live").rest == "live");
}

TEST_CASE("an S3 prefix is a bucket and what keys begin with") {
  const TargetArn prefix = parsed("arn:aws:s3:::my.bucket/dead letters/");
  CHECK(prefix.kind == TargetKind::s3_prefix);
  CHECK(prefix.name == "my.bucket");
  CHECK(prefix.rest == "dead letters/");
  CHECK(parsed("arn:aws-cn:s3:::bucket/").rest.empty());
  CHECK(contains(refusal("arn:aws:s3:::bucket"), "arn:aws:s3:::bucket/prefix/"));
  CHECK(contains(refusal("arn:aws:s3:eu-west-1:123456789012:accesspoint/a"), "neither region"));
  CHECK(contains(refusal("arn:aws:s3:::bucket/a\nb/"), "control"));
  CHECK(contains(refusal("arn:aws:s3:::bucket/" + std::string(769, 'p')), "768"));
}

TEST_CASE("partitions have their own regions and names") {
  CHECK(parsed("arn:aws-cn:sqs:cn-north-1:123456789012:q").partition == "aws-cn");
  CHECK(parsed("arn:aws-us-gov:sqs:us-gov-west-1:123456789012:q").partition == "aws-us-gov");
  CHECK(contains(refusal("arn:aws:sqs:cn-north-1:123456789012:q"), "not in partition aws"));
  CHECK(contains(refusal("arn:aws-iso:sqs:us-iso-east-1:123456789012:q"), "aws-us-gov"));
  CHECK(dns_suffix("aws") == "amazonaws.com");
  CHECK(dns_suffix("aws-us-gov") == "amazonaws.com");
  CHECK(dns_suffix("aws-cn") == "amazonaws.com.cn");
}

TEST_CASE("anything else is refused with what is possible") {
  for (const char* text : {"", "work", "https://sqs.eu-west-1.amazonaws.com/1/q", "arn:aws:sqs"}) {
    CHECK(contains(refusal(text), "an S3 prefix (arn:aws:s3:::bucket/prefix/)"));
  }
  const std::string other = refusal("arn:aws:rds:eu-west-1:123456789012:db:x");
  CHECK(contains(other, "an ARN of rds"));
  CHECK(contains(other, "an SQS queue"));
  CHECK(contains(refusal("arn:aws:lambda:eu-west-1:123456789012:layer:x"), "function:name"));
  CHECK(contains(refusal("arn:aws:kinesis:eu-west-1:123456789012:s"), "stream/name"));
}

TEST_CASE("parts that could not be in a host name or path are refused") {
  for (const char* text : {"arn:aws:sqs:eu-west-1.evil.example/:123456789012:q",
                           "arn:aws:sqs::123456789012:q",
                           "arn:aws:sqs:-:123456789012:q",
                           "arn:aws:sqs:eu-west-1:12345678901:q",
                           "arn:aws:sqs:eu-west-1:12345678901x:q",
                           "arn:aws:sqs:eu-west-1:123456789012:",
                           "arn:aws:sqs:eu-west-1:123456789012:q:r",
                           "arn:aws:sqs:eu-west-1:123456789012:a b",
                           "arn:aws:sqs:eu-west-1:123456789012:a?b",
                           "arn:aws:lambda:eu-west-1:123456789012:function:f:"}) {
    CHECK(contains(refusal(text), "expected arn:aws:"));
  }
}

TEST_CASE("the region of any ARN is found") {
  CHECK(region_of_arn("arn:aws:ssm:eu-west-1:123456789012:parameter/a") == "eu-west-1");
  CHECK_FALSE(region_of_arn("arn:aws:s3:::bucket/x"));
  CHECK_FALSE(region_of_arn("/parameter"));
}

}  // namespace postlude
