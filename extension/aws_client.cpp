#include "extension/aws_client.h"

#include "extension/aws_result.h"
#include "extension/sigv4.h"

namespace postlude::extension {

tl::expected<HttpAnswer, AttemptResult> AwsClient::call_as(const AwsRequest& request,
                                                           const AwsCredentials& credentials,
                                                           EpochTime deadline) const {
  HttpRequest signed_request = request.http;
  const auto done = sign(signed_request,
                         credentials,
                         {.service = request.signing_name, .region = request.region, .at = time()});
  if (!done) {
    return tl::unexpected(AttemptResult{.kind = AttemptResult::Kind::refused,
                                        .why = request.label + ": " + done.error().message});
  }
  auto answer = parts_.http(signed_request, deadline);
  if (!answer) {
    return tl::unexpected(unanswered(request.label, answer.error()));
  }
  return std::move(*answer);
}

tl::expected<HttpAnswer, AttemptResult> AwsClient::call(const AwsRequest& request,
                                                        EpochTime deadline) const {
  const auto credentials = parts_.credentials.current(time(), deadline, parts_.http);
  if (!credentials) {
    return tl::unexpected(credentials.error());
  }
  auto answer = call_as(request, *credentials, deadline);
  if (answer && says_expired(*answer)) {
    const auto newer = parts_.credentials.replacement(*credentials, time(), deadline, parts_.http);
    if (newer && *newer != *credentials) {
      answer = call_as(request, *newer, deadline);
    }
  }
  if (!answer) {
    return answer;
  }
  if (AttemptResult result = aws_result(request, *answer);
      result.kind != AttemptResult::Kind::success) {
    return tl::unexpected(std::move(result));
  }
  return answer;
}

}  // namespace postlude::extension
