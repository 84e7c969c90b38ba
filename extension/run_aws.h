#pragma once

#include "common/task.h"
#include "extension/aws_client.h"
#include "extension/dead_letter.h"
#include "extension/send_request.h"

#include <string_view>

namespace postlude::extension {

/// One attempt of an `aws` task, its templates resolved.
[[nodiscard]] AttemptResult run_aws(const AwsAction& action,
                                    std::string_view trace_id,
                                    const AwsClient& client,
                                    EpochTime deadline);

/// One attempt of a `send` task: `to` is its ARN, templates resolved. A queue that a configured
/// endpoint does not know by the URL that follows from its ARN is asked for its URL (GetQueueUrl).
[[nodiscard]] AttemptResult run_send(std::string_view to,
                                     const TaskMessage& message,
                                     const AwsClient& client,
                                     EpochTime deadline);

/// Hands work that ends here to its dead letter. A queue or stream that was set to take less than
/// its service allows gets a shorter letter (kSmallestLimitBytes) once it has refused the long one.
/// `message.body` is not used.
[[nodiscard]] AttemptResult send_dead_letter(std::string_view to,
                                             const DeadLetter& letter,
                                             TaskMessage message,
                                             const AwsClient& client,
                                             EpochTime deadline);

/// What every queue took before larger messages existed, and what its settings may still say.
inline constexpr std::size_t kSmallestLimitBytes = std::size_t{256} * 1024;

}  // namespace postlude::extension
