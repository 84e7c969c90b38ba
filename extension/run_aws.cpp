#include "extension/run_aws.h"

#include "common/json_text.h"
#include "extension/aws_result.h"

#include <nlohmann/json.hpp>

#include <string>

namespace postlude::extension {
namespace {

AttemptResult refused(std::string_view what, const Error& error) {
  return {.kind = AttemptResult::Kind::refused, .why = std::string(what) + ": " + error.message};
}

/// The queue's URL as the endpoint has it; empty where it does not say.
std::string asked_queue_url(const TargetArn& to,
                            std::string_view trace_id,
                            const AwsClient& client,
                            EpochTime deadline) {
  const auto request =
      json_request({.service = "sqs",
                    .operation = "GetQueueUrl",
                    .region = to.region,
                    .trace_id = trace_id,
                    .input = dump_json(nlohmann::json{{"QueueName", to.name},
                                                      {"QueueOwnerAWSAccountId", to.account}})},
                   client.endpoints());
  if (!request) {
    return {};
  }
  const auto answer = client.call(*request, deadline);
  const auto document = answer ? parse_json(answer->body) : fail("no answer");
  if (!document || !document->is_object()) {
    return {};
  }
  const auto url = document->find("QueueUrl");
  return url != document->end() && url->is_string() ? url->get<std::string>() : std::string();
}

/// Stand-ins for SQS may have URLs of their own, by which alone they know their queues.
bool may_have_other_url(const TargetArn& to, const AttemptResult& result, const AwsClient& client) {
  if (to.kind != TargetKind::sqs ||
      !(ended_by(result, "QueueDoesNotExist") ||
        ended_by(result, "AWS.SimpleQueueService.NonExistentQueue"))) {
    return false;
  }
  const auto endpoint = client.endpoints().find("sqs", to.region);
  return endpoint && endpoint->configured;
}

AttemptResult result_of(const Result<AwsRequest>& request,
                        std::string_view what,
                        const AwsClient& client,
                        EpochTime deadline) {
  if (!request) {
    return refused(what, request.error());
  }
  const auto answer = client.call(*request, deadline);
  return answer ? AttemptResult{} : answer.error();
}

AttemptResult sent(const TargetArn& to,
                   TaskMessage message,
                   const AwsClient& client,
                   EpochTime deadline) {
  AttemptResult result =
      result_of(send_request(to, message, client.endpoints()), "send", client, deadline);
  if (!may_have_other_url(to, result, client)) {
    return result;
  }
  const std::string url = asked_queue_url(to, message.trace_id, client, deadline);
  if (url.empty()) {
    return result;
  }
  message.queue_url = url;
  return result_of(send_request(to, message, client.endpoints()), "send", client, deadline);
}

}  // namespace

AttemptResult run_aws(const AwsAction& action,
                      std::string_view trace_id,
                      const AwsClient& client,
                      EpochTime deadline) {
  return result_of(aws_request(action, client.endpoints(), trace_id), "aws", client, deadline);
}

AttemptResult run_send(std::string_view to,
                       const TaskMessage& message,
                       const AwsClient& client,
                       EpochTime deadline) {
  const auto target = parse_target_arn(to);
  if (!target) {
    return refused("send", target.error());
  }
  return sent(*target, message, client, deadline);
}

AttemptResult send_dead_letter(std::string_view to,
                               const DeadLetter& letter,
                               TaskMessage message,
                               const AwsClient& client,
                               EpochTime deadline) {
  const auto target = parse_target_arn(to);
  if (!target) {
    return refused("dead letter", target.error());
  }
  AttemptResult result;
  std::size_t limit = most_message_bytes(target->kind);
  for (;;) {
    const auto body = dead_letter_body(letter, limit);
    if (!body) {
      return refused("dead letter", body.error());
    }
    message.body = *body;
    result = sent(*target, message, client, deadline);
    if (result.kind != AttemptResult::Kind::refused || body->size() <= kSmallestLimitBytes) {
      return result;
    }
    limit = kSmallestLimitBytes;
  }
}

}  // namespace postlude::extension
