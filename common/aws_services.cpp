#include "common/aws_services.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>

namespace postlude {
namespace {

/// From the service models of AWS's SDKs: endpointPrefix, signingName, serviceId, targetPrefix and
/// jsonVersion.
constexpr std::array<AwsService, 21> kServices{{
    {"dynamodb", "dynamodb", "dynamodb", "DYNAMODB", "DynamoDB_20120810", "1.0"},
    {"sqs", "sqs", "sqs", "SQS", "AmazonSQS", "1.0"},
    {"events", "events", "events", "EVENTBRIDGE", "AWSEvents", "1.1"},
    {"states", "states", "states", "SFN", "AWSStepFunctions", "1.0"},
    {"kinesis", "kinesis", "kinesis", "KINESIS", "Kinesis_20131202", "1.1"},
    {"firehose", "firehose", "firehose", "FIREHOSE", "Firehose_20150804", "1.1"},
    {"logs", "logs", "logs", "CLOUDWATCH_LOGS", "Logs_20140328", "1.1"},
    {"ssm", "ssm", "ssm", "SSM", "AmazonSSM", "1.1"},
    {"secretsmanager",
     "secretsmanager",
     "secretsmanager",
     "SECRETS_MANAGER",
     "secretsmanager",
     "1.1"},
    {"kms", "kms", "kms", "KMS", "TrentService", "1.1"},
    {"ecs", "ecs", "ecs", "ECS", "AmazonEC2ContainerServiceV20141113", "1.1"},
    {"cloudwatch",
     "monitoring",
     "monitoring",
     "CLOUDWATCH",
     "GraniteServiceVersion20100801",
     "1.0"},
    {"s3", "s3", "s3", "S3", "", ""},
    {"sns", "sns", "sns", "SNS", "", ""},
    {"lambda", "lambda", "lambda", "LAMBDA", "", ""},
    {"ses", "email", "ses", "SESV2", "", ""},
    {"sesv2", "email", "ses", "SESV2", "", ""},
    {"email", "email", "ses", "SESV2", "", ""},
    {"bedrock-runtime", "bedrock-runtime", "bedrock", "BEDROCK_RUNTIME", "", ""},
    {"pinpoint", "pinpoint", "mobiletargeting", "PINPOINT", "", ""},
    {"apigateway", "apigateway", "apigateway", "API_GATEWAY", "", ""},
}};

constexpr std::size_t kMostNameBytes = 63;

bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

}  // namespace

const AwsService* find_aws_service(std::string_view name) {
  const auto* const found =
      std::find_if(kServices.begin(), kServices.end(), [&](const AwsService& service) {
        return service.name == name;
      });
  return found == kServices.end() ? nullptr : found;
}

std::string json_service_names() {
  std::string names;
  for (const AwsService& service : kServices) {
    if (!service.target_prefix.empty()) {
      names.append(names.empty() ? "" : ", ").append(service.name);
    }
  }
  return names;
}

bool valid_service_name(std::string_view name) {
  return !name.empty() && name.size() <= kMostNameBytes && is_name_start(name.front()) &&
         name.back() != '.' && name.find("..") == std::string_view::npos &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return is_name_start(c) || c == '-' || c == '.';
         });
}

std::string endpoint_id_of(std::string_view service) {
  if (const AwsService* const known = find_aws_service(service)) {
    return std::string(known->endpoint_id);
  }
  std::string id(service);
  std::transform(id.begin(), id.end(), id.begin(), [](unsigned char c) {
    return std::isalnum(c) != 0 ? static_cast<char>(std::toupper(c)) : '_';
  });
  return id;
}

}  // namespace postlude
