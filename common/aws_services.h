#pragma once

#include <string>
#include <string_view>

namespace postlude {

/// What a request to an AWS service needs beyond its input. Views into constants.
struct AwsService {
  std::string_view name;           ///< as tasks name it: "cloudwatch"
  std::string_view endpoint;       ///< first part of its host name: "monitoring"
  std::string_view signing_name;   ///< "monitoring"
  std::string_view endpoint_id;    ///< in AWS_ENDPOINT_URL_<id>: "CLOUDWATCH"
  std::string_view target_prefix;  ///< before the dot in X-Amz-Target; empty: no JSON protocol
  std::string_view json_version;   ///< "1.0" or "1.1"
};

/// Services with a JSON protocol, and others whose names differ from place to place. Null: unknown,
/// which a task may use all the same with `target`, `jsonVersion` and `signingName`, or by REST.
[[nodiscard]] const AwsService* find_aws_service(std::string_view name);

/// The names of those with a JSON protocol, for messages: "dynamodb, sqs, ...".
[[nodiscard]] std::string json_service_names();

/// "https://<service>.<region>.amazonaws.com" may hold it: [a-z0-9][a-z0-9.-]{0,62}.
[[nodiscard]] bool valid_service_name(std::string_view name);

/// Of AWS_ENDPOINT_URL_<id>, also for services that are not in the table: "bedrock-runtime" is
/// "BEDROCK_RUNTIME".
[[nodiscard]] std::string endpoint_id_of(std::string_view service);

}  // namespace postlude
