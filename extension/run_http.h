#pragma once

#include "common/allowed_hosts.h"
#include "common/task.h"
#include "extension/http_call.h"
#include "extension/schedule_steps.h"

#include <string_view>

namespace postlude::extension {

/// The request of an `http` task whose templates are rendered (contract.md 4.1). Adds
/// `Idempotency-Key: <task id>`, and a Content-Type where there is a body, unless they are given.
/// `allowed`: null where the host is a literal; it must outlive the request. The error is for a
/// user's log: another attempt would end the same way. Pure.
[[nodiscard]] Result<HttpRequest> make_http_request(const HttpAction& rendered,
                                                    std::string_view task_id,
                                                    const AllowedHosts* allowed);

/// What the end of a call means for the attempt (contract.md 4.1): 2xx is success; network errors,
/// 408, 425, 429 and 5xx may be tried again, with Retry-After; other answers not. Pure.
[[nodiscard]] AttemptResult judge_http(const tl::expected<HttpAnswer, HttpFailure>& end,
                                       const Url& url,
                                       EpochTime at);

/// Worth another attempt.
[[nodiscard]] bool is_passing_status(int status);

}  // namespace postlude::extension
