#include "extension/send_request.h"

#include "common/base64.h"
#include "common/json_text.h"
#include "extension/derived_id.h"
#include "extension/sigv4.h"
#include "extension/uri_encoding.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <utility>

namespace postlude::extension {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kKibibyte = 1024;
constexpr std::size_t kMebibyte = kKibibyte * kKibibyte;
/// SQS: MaximumMessageSize is at most 1 MiB (SetQueueAttributes; 256 KiB before August 2025).
constexpr std::size_t kMostSqsBytes = kMebibyte;
/// SNS: 262,144 bytes a message (Publish).
constexpr std::size_t kMostSnsBytes = 256 * kKibibyte;
/// EventBridge: 256 KB an entry, time (14 bytes), source and detail type included (User Guide,
/// "Calculating PutEvents event entry size"); 128 bytes cover those and the wrapping of values.
constexpr std::size_t kMostEventBytes = 256 * kKibibyte - 128;
/// Lambda: 1 MB for asynchronous events (lambda-protocol.md 1.10).
constexpr std::size_t kMostAsyncBytes = kMebibyte;
/// Step Functions: 262,144 bytes of input (StartExecution).
constexpr std::size_t kMostInputBytes = 256 * kKibibyte;
/// Kinesis: 1 MiB a record with its partition key, unless the stream allows more (PutRecord).
constexpr std::size_t kMostKeyBytes = 256;
constexpr std::size_t kMostRecordBytes = kMebibyte - kMostKeyBytes;
/// Firehose: 1,000 KiB before base64 (PutRecord); one byte is for the line feed.
constexpr std::size_t kMostFirehoseBytes = 1000 * kKibibyte - 1;
/// S3: 5 GiB in one PutObject.
constexpr std::size_t kMostObjectBytes = 5 * kKibibyte * kMebibyte;

/// Of FIFO queues and topics: SendMessage, Publish.
constexpr IdRules kFifoRules{.most_bytes = 128,
                             .punctuation = R"(!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~)"};
/// StartExecution; CloudWatch Logs would not take more.
constexpr IdRules kExecutionRules{.most_bytes = 80, .punctuation = "-_"};
constexpr IdRules kPartitionRules{.most_bytes = kMostKeyBytes,
                                  .punctuation = kFifoRules.punctuation};
/// 1,024 bytes of a key without the longest prefix (arn.cpp), date and ".json".
constexpr IdRules kKeyRules{.most_bytes = 240, .punctuation = kFifoRules.punctuation};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kWhite = " \t\r\n";
  const std::size_t from = std::min(text.find_first_not_of(kWhite), text.size());
  const std::size_t to = text.find_last_not_of(kWhite);
  return from == text.size() ? std::string_view() : text.substr(from, to + 1 - from);
}

/// XML 1.0, and so SQS, has no U+FFFE and U+FFFF; in JSON they can only stand in strings.
std::string without_noncharacters(std::string text) {
  for (const auto& [raw, escape] :
       {std::pair{"\xef\xbf\xbe", "\\ufffe"}, {"\xef\xbf\xbf", "\\uffff"}}) {
    for (std::size_t at = text.find(raw); at != std::string::npos; at = text.find(raw, at)) {
      text.replace(at, std::string_view(raw).size(), escape);
    }
  }
  return text;
}

Result<std::string> text_of(std::string_view body) {
  if (!body.starts_with('"')) {
    return without_noncharacters(std::string(body));
  }
  auto value = parse_json(body);
  if (!value || !value->is_string()) {
    return fail("the body is not JSON");
  }
  return value->get<std::string>();
}

Result<AwsRequest> to_queue(const TargetArn& to,
                            const TaskMessage& message,
                            const AwsEndpoints& endpoints) {
  const auto endpoint = endpoints.find("sqs", to.region);
  auto text = text_of(message.body);
  const auto id = derived_id(message.task_id, kFifoRules);
  if (!endpoint || !text || !id) {
    return tl::unexpected(!endpoint ? endpoint.error() : !text ? text.error() : id.error());
  }
  const std::string url = !message.queue_url.empty()
                              ? std::string(message.queue_url)
                              : fmt::format("{}://{}{}/{}/{}",
                                            endpoint->base.tls ? "https" : "http",
                                            host_field(endpoint->base),
                                            endpoint->base.target,
                                            to.account,
                                            to.name);
  Json input{{"QueueUrl", url}, {"MessageBody", std::move(*text)}};
  if (to.fifo) {
    input["MessageGroupId"] = *id;
    input["MessageDeduplicationId"] = *id;
  }
  return json_request({.service = "sqs",
                       .operation = "SendMessage",
                       .region = to.region,
                       .trace_id = message.trace_id,
                       .input = dump_json(input)},
                      endpoints);
}

Result<AwsRequest> to_bus(const TargetArn& to,
                          const TaskMessage& message,
                          const AwsEndpoints& endpoints) {
  const std::string detail = message.body.starts_with('{')
                                 ? std::string(message.body)
                                 : fmt::format(R"({{"value":{}}})", message.body);
  const Json input{{"Entries",
                    {{{"Source", "postlude"},
                      {"DetailType", message.task_name},
                      {"Detail", detail},
                      {"EventBusName", to.text},
                      {"Time", epoch_ms(message.at) / 1000}}}}};
  return json_request({.service = "events",
                       .operation = "PutEvents",
                       .region = to.region,
                       .trace_id = message.trace_id,
                       .input = dump_json(input)},
                      endpoints);
}

Result<AwsRequest> to_state_machine(const TargetArn& to,
                                    const TaskMessage& message,
                                    const AwsEndpoints& endpoints) {
  const auto name = derived_id(message.task_id, kExecutionRules);
  if (!name) {
    return tl::unexpected(name.error());
  }
  auto request = json_request(
      {.service = "states",
       .operation = "StartExecution",
       .region = to.region,
       .trace_id = message.trace_id,
       .input =
           dump_json(Json{{"stateMachineArn", to.text}, {"name", *name}, {"input", message.body}})},
      endpoints);
  if (request) {
    request->done_code = "ExecutionAlreadyExists";
  }
  return request;
}

Result<AwsRequest> to_stream(const TargetArn& to,
                             const TaskMessage& message,
                             const AwsEndpoints& endpoints) {
  const auto key = derived_id(message.task_id, kPartitionRules);
  auto text = text_of(message.body);
  if (!key || !text) {
    return tl::unexpected(!key ? key.error() : text.error());
  }
  return json_request({.service = "kinesis",
                       .operation = "PutRecord",
                       .region = to.region,
                       .trace_id = message.trace_id,
                       .input = dump_json(Json{{"StreamName", to.name},
                                               {"StreamARN", to.text},
                                               {"PartitionKey", *key},
                                               {"Data", base64_encode(*text)}})},
                      endpoints);
}

Result<AwsRequest> to_firehose(const TargetArn& to,
                               const TaskMessage& message,
                               const AwsEndpoints& endpoints) {
  auto text = text_of(message.body);
  if (!text) {
    return tl::unexpected(std::move(text.error()));
  }
  return json_request(
      {.service = "firehose",
       .operation = "PutRecord",
       .region = to.region,
       .trace_id = message.trace_id,
       .input = dump_json(Json{{"DeliveryStreamName", to.name},
                               {"Record", {{"Data", base64_encode(*text + "\n")}}}})},
      endpoints);
}

Result<AwsRequest> to_topic(const TargetArn& to,
                            const TaskMessage& message,
                            const AwsEndpoints& endpoints) {
  auto endpoint = endpoints.find("sns", to.region);
  const auto text = text_of(message.body);
  const auto id = derived_id(message.task_id, kFifoRules);
  if (!endpoint || !text || !id) {
    return tl::unexpected(!endpoint ? endpoint.error() : !text ? text.error() : id.error());
  }
  AwsRequest request{
      .http = {}, .signing_name = "sns", .region = to.region, .label = "sns Publish"};
  request.http.url = std::move(endpoint->base);
  request.http.url.target += "/";
  request.http.fields.emplace_back("Content-Type",
                                   "application/x-www-form-urlencoded; charset=utf-8");
  request.http.body = fmt::format("Action=Publish&Version=2010-03-31&TopicArn={}&Message={}",
                                  uri_encode(to.text),
                                  uri_encode(*text));
  if (to.fifo) {
    request.http.body +=
        fmt::format("&MessageGroupId={0}&MessageDeduplicationId={0}", uri_encode(*id));
  }
  add_trace(request.http, message.trace_id);
  return request;
}

Result<AwsRequest> to_function(const TargetArn& to,
                               const TaskMessage& message,
                               const AwsEndpoints& endpoints) {
  auto endpoint = endpoints.find("lambda", to.region);
  if (!endpoint) {
    return tl::unexpected(std::move(endpoint.error()));
  }
  const std::string arn =
      to.text.substr(0, to.text.size() - (to.rest.empty() ? 0 : to.rest.size() + 1));
  AwsRequest request{
      .http = {}, .signing_name = "lambda", .region = to.region, .label = "lambda Invoke"};
  request.http.url = std::move(endpoint->base);
  request.http.url.target += fmt::format("/2015-03-31/functions/{}/invocations{}{}",
                                         uri_encode(arn),
                                         to.rest.empty() ? "" : "?Qualifier=",
                                         uri_encode(to.rest));
  request.http.fields = {{"Content-Type", "application/json"}, {"X-Amz-Invocation-Type", "Event"}};
  request.http.body = message.body;
  add_trace(request.http, message.trace_id);
  return request;
}

Result<AwsRequest> to_bucket(const TargetArn& to,
                             const TaskMessage& message,
                             const AwsEndpoints& endpoints) {
  auto endpoint = endpoints.find_bucket(to.name);
  const auto id = derived_id(message.task_id, kKeyRules);
  if (!endpoint || !id) {
    return tl::unexpected(!endpoint ? endpoint.error() : id.error());
  }
  AwsRequest request{
      .http = {}, .signing_name = "s3", .region = endpoint->region, .label = "s3 PutObject"};
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(message.at));
  request.http.method = "PUT";
  request.http.url = std::move(endpoint->base);
  request.http.url.target += uri_encode_path(fmt::format("/{}{:04}-{:02}-{:02}/{}.json",
                                                         to.rest,
                                                         static_cast<int>(day.year()),
                                                         static_cast<unsigned>(day.month()),
                                                         static_cast<unsigned>(day.day()),
                                                         *id));
  request.http.fields = {{"Content-Type", "application/json"}};
  request.http.body = message.body;
  add_trace(request.http, message.trace_id);
  return request;
}

Result<AwsRequest> request_of(const TargetArn& to,
                              const TaskMessage& message,
                              const AwsEndpoints& endpoints) {
  switch (to.kind) {
    case TargetKind::sqs:
      return to_queue(to, message, endpoints);
    case TargetKind::sns:
      return to_topic(to, message, endpoints);
    case TargetKind::event_bus:
      return to_bus(to, message, endpoints);
    case TargetKind::function:
      return to_function(to, message, endpoints);
    case TargetKind::state_machine:
      return to_state_machine(to, message, endpoints);
    case TargetKind::kinesis:
      return to_stream(to, message, endpoints);
    case TargetKind::firehose:
      return to_firehose(to, message, endpoints);
    case TargetKind::s3_prefix:
      return to_bucket(to, message, endpoints);
  }
  return fail("no such target");
}

}  // namespace

std::size_t most_message_bytes(TargetKind kind) {
  switch (kind) {
    case TargetKind::sqs:
      return kMostSqsBytes;
    case TargetKind::sns:
      return kMostSnsBytes;
    case TargetKind::event_bus:
      return kMostEventBytes;
    case TargetKind::function:
      return kMostAsyncBytes;
    case TargetKind::state_machine:
      return kMostInputBytes;
    case TargetKind::kinesis:
      return kMostRecordBytes;
    case TargetKind::firehose:
      return kMostFirehoseBytes;
    case TargetKind::s3_prefix:
      return kMostObjectBytes;
  }
  return 0;
}

Result<AwsRequest> send_request(const TargetArn& to,
                                const TaskMessage& message,
                                const AwsEndpoints& endpoints) {
  TaskMessage trim = message;
  trim.body = trimmed(message.body);
  if (trim.body.empty()) {
    return fail("the body is not JSON");
  }
  if (trim.body.size() > most_message_bytes(to.kind)) {
    return fail(fmt::format("the body has {} bytes, more than the {} that {} takes",
                            trim.body.size(),
                            most_message_bytes(to.kind),
                            to.text));
  }
  return request_of(to, trim, endpoints);
}

}  // namespace postlude::extension
