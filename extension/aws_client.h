#pragma once

#include "common/clock.h"
#include "extension/aws_endpoint.h"
#include "extension/aws_request.h"
#include "extension/credentials.h"
#include "extension/http_function.h"
#include "extension/schedule_steps.h"

#include <functional>

namespace postlude::extension {

/// Calls AWS for one attempt: signs with the function's credentials, calls, and where the service
/// says that they expired, once more with newer ones. Cheap to make; for one thread. `credentials`
/// and `endpoints` outlive it, shared by all.
class AwsClient {
 public:
  struct Parts {
    Credentials& credentials;
    const AwsEndpoints& endpoints;
    HttpFunction http;
    std::function<EpochTime()> clock = now;
  };
  explicit AwsClient(Parts parts) : parts_(std::move(parts)) {}

  /// The answer where it is a success (aws_result.h), else how the attempt ends. Returns by the
  /// deadline, as far as the HTTP function does.
  [[nodiscard]] tl::expected<HttpAnswer, AttemptResult> call(const AwsRequest& request,
                                                             EpochTime deadline) const;

  [[nodiscard]] const AwsEndpoints& endpoints() const { return parts_.endpoints; }
  [[nodiscard]] EpochTime time() const { return parts_.clock(); }

 private:
  [[nodiscard]] tl::expected<HttpAnswer, AttemptResult> call_as(const AwsRequest& request,
                                                                const AwsCredentials& credentials,
                                                                EpochTime deadline) const;

  Parts parts_;
};

}  // namespace postlude::extension
