#pragma once

#include "common/arn.h"
#include "common/clock.h"
#include "common/error.h"
#include "extension/aws_endpoint.h"
#include "extension/aws_request.h"

#include <cstddef>
#include <string_view>

namespace postlude::extension {

/// One message of a task.
struct TaskMessage {
  std::string_view task_id;
  std::string_view task_name;
  std::string_view trace_id;
  /// JSON text. A JSON string is sent as the text it stands for to SQS, SNS, Kinesis and Firehose.
  std::string_view body;
  EpochTime at;
  /// Of the queue, where it is not the one that follows from the ARN; empty otherwise.
  std::string_view queue_url = {};
};

/// The longest body a target takes. Bytes of the body itself: base64 and JSON escapes of a request
/// do not count there.
[[nodiscard]] std::size_t most_message_bytes(TargetKind kind);

/// - SQS SendMessage, to the queue URL that follows from the ARN and the endpoint; FIFO: group and
/// deduplication id are the task id, within their rules.
/// - SNS Publish; FIFO likewise.
/// - EventBridge PutEvents: Source `postlude`, DetailType the task's name. Detail must be a JSON
///   object: any other body is wrapped, {"value": <body>}.
/// - Lambda Invoke, asynchronous.
/// - Step Functions StartExecution, named after the task id; one that exists already is a success.
/// - Kinesis PutRecord, partition key from the task id; Firehose PutRecord with a line feed behind
///   the body.
/// - S3 PutObject `<prefix><yyyy-mm-dd>/<task id>.json`, in the Region of the function.
/// A body over the limit is an error that names limit and size; no copy of it was made. Pure.
[[nodiscard]] Result<AwsRequest> send_request(const TargetArn& to,
                                              const TaskMessage& message,
                                              const AwsEndpoints& endpoints);

}  // namespace postlude::extension
