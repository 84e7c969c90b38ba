#include "tests/emulator/cfn_local_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace postlude::emulator {
namespace {

enum class RefIs { name, arn, queue_url };

struct TypeForm {
  std::string_view type;
  std::string_view name_property;
  std::string_view arn;  ///< {0} region, {1} account, {2} name
  RefIs ref = RefIs::name;
};

constexpr std::string_view kFunction = "arn:aws:lambda:{0}:{1}:function:{2}";
constexpr std::string_view kLayer = "arn:aws:lambda:{0}:{1}:layer:{2}:1";
constexpr std::string_view kTable = "arn:aws:dynamodb:{0}:{1}:table/{2}";
constexpr std::string_view kStateMachine = "arn:aws:states:{0}:{1}:stateMachine:{2}";

constexpr std::array<TypeForm, 19> kTypes{{
    {"AWS::DynamoDB::Table", "TableName", kTable},
    {"AWS::Events::EventBus", "Name", "arn:aws:events:{0}:{1}:event-bus/{2}"},
    {"AWS::IAM::Role", "RoleName", "arn:aws:iam::{1}:role/{2}"},
    {"AWS::KMS::Key", "", "arn:aws:kms:{0}:{1}:key/{2}"},
    {"AWS::Kinesis::Stream", "Name", "arn:aws:kinesis:{0}:{1}:stream/{2}"},
    {"AWS::KinesisFirehose::DeliveryStream",
     "DeliveryStreamName",
     "arn:aws:firehose:{0}:{1}:deliverystream/{2}"},
    {"AWS::Lambda::Function", "FunctionName", kFunction},
    {"AWS::Lambda::LayerVersion", "LayerName", kLayer, RefIs::arn},
    {"AWS::Logs::LogGroup", "LogGroupName", "arn:aws:logs:{0}:{1}:log-group:{2}:*"},
    {"AWS::S3::Bucket", "BucketName", "arn:aws:s3:::{2}"},
    {"AWS::SNS::Topic", "TopicName", "arn:aws:sns:{0}:{1}:{2}", RefIs::arn},
    {"AWS::SQS::Queue", "QueueName", "arn:aws:sqs:{0}:{1}:{2}", RefIs::queue_url},
    {"AWS::SSM::Parameter", "Name", "arn:aws:ssm:{0}:{1}:parameter/{2}"},
    {"AWS::SecretsManager::Secret",
     "Name",
     "arn:aws:secretsmanager:{0}:{1}:secret:{2}",
     RefIs::arn},
    {"AWS::Serverless::Function", "FunctionName", kFunction},
    {"AWS::Serverless::LayerVersion", "LayerName", kLayer, RefIs::arn},
    {"AWS::Serverless::SimpleTable", "TableName", kTable},
    {"AWS::Serverless::StateMachine", "Name", kStateMachine, RefIs::arn},
    {"AWS::StepFunctions::StateMachine", "StateMachineName", kStateMachine, RefIs::arn},
}};

const TypeForm* form_of(const std::string& type) {
  const auto* found = std::find_if(
      kTypes.begin(), kTypes.end(), [&](const TypeForm& form) { return form.type == type; });
  return found == kTypes.end() ? nullptr : found;
}

/// "AWS::ApiGateway::RestApi": "apigateway".
std::string service_of(const std::string& type) {
  const std::size_t begin = std::min(type.find("::") + 2, type.size());
  std::string service = type.substr(begin, type.find("::", begin) - begin);
  std::transform(service.begin(), service.end(), service.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  return service;
}

std::string arn_of(const CfnResource& resource, const CfnPlace& place) {
  const TypeForm* form = form_of(resource.type);
  return form != nullptr
             ? fmt::format(fmt::runtime(form->arn), place.region, place.account, resource.name)
             : fmt::format("arn:aws:{}:{}:{}:{}",
                           service_of(resource.type),
                           place.region,
                           place.account,
                           resource.name);
}

std::string queue_url(const CfnResource& resource, const CfnPlace& place) {
  return fmt::format(
      "https://sqs.{}.amazonaws.com/{}/{}", place.region, place.account, resource.name);
}

bool names_itself(const TypeForm& form, const std::string& attribute) {
  return attribute == form.name_property ||
         (attribute == "Name" && form.type != "AWS::SSM::Parameter");
}

}  // namespace

std::string name_property(const std::string& type) {
  const TypeForm* form = form_of(type);
  return form == nullptr ? std::string() : std::string(form->name_property);
}

std::string ref_value(const CfnResource& resource, const CfnPlace& place) {
  const TypeForm* form = form_of(resource.type);
  switch (form == nullptr ? RefIs::name : form->ref) {
    case RefIs::arn:
      return arn_of(resource, place);
    case RefIs::queue_url:
      return queue_url(resource, place);
    case RefIs::name:
      break;
  }
  return resource.name;
}

std::optional<std::string> attribute_value(const CfnResource& resource,
                                           const std::string& attribute,
                                           const CfnPlace& place) {
  const TypeForm* form = form_of(resource.type);
  if (attribute == "Arn" || (attribute == "TopicArn" && resource.type == "AWS::SNS::Topic")) {
    return arn_of(resource, place);
  }
  if (attribute == "QueueUrl" && resource.type == "AWS::SQS::Queue") {
    return queue_url(resource, place);
  }
  if (attribute == "FunctionUrl") {
    return fmt::format("https://{}.lambda-url.{}.on.aws/", resource.name, place.region);
  }
  if (form != nullptr && names_itself(*form, attribute)) {
    return resource.name;
  }
  return std::nullopt;
}

}  // namespace postlude::emulator
