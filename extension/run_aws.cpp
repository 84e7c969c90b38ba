#include "extension/run_aws.h"

#include <algorithm>

namespace postlude::extension {
namespace {

AttemptResult refused(std::string_view what, const Error& error) {
  return {.kind = AttemptResult::Kind::refused, .why = std::string(what) + ": " + error.message};
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

}  // namespace

AttemptResult run_aws(const AwsAction& action,
                      std::string_view trace_id,
                      const AwsClient& client,
                      EpochTime deadline) {
  return result_of(aws_request(action, client.endpoints(), trace_id), "aws", client, deadline);
}

AttemptResult run_send(std::string_view to,
                       const OutgoingMessage& message,
                       const AwsClient& client,
                       EpochTime deadline) {
  const auto target = parse_target_arn(to);
  if (!target) {
    return refused("send", target.error());
  }
  return result_of(send_request(*target, message, client.endpoints()), "send", client, deadline);
}

AttemptResult send_dead_letter(std::string_view to,
                               const DeadLetter& letter,
                               OutgoingMessage message,
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
    result = result_of(
        send_request(*target, message, client.endpoints()), "dead letter", client, deadline);
    if (result.kind != AttemptResult::Kind::refused || body->size() <= kSmallestLimitBytes) {
      return result;
    }
    limit = kSmallestLimitBytes;
  }
}

}  // namespace postlude::extension
