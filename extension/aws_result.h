#pragma once

#include "extension/aws_request.h"
#include "extension/http_call.h"
#include "extension/schedule_steps.h"

#include <string>
#include <string_view>

namespace postlude::extension {

/// How an attempt ended that got this answer. 2xx is success, unless the answer itself says that a
/// part of the request failed. Throttling (whatever its status), 408, 429, 5xx, a wrong clock and
/// expired credentials may be tried again; anything else would end the same way. `why` names
/// service, operation, status and error code, never what the body says. Pure.
[[nodiscard]] AttemptResult aws_result(const AwsRequest& request, const HttpAnswer& answer);
/// The same where there was no answer; `what` was asked for.
[[nodiscard]] AttemptResult unanswered(std::string_view what, const HttpFailure& failure);

/// The error code of an answer, from its fields, JSON or XML; empty where it has none, or none of a
/// code's characters. Pure.
[[nodiscard]] std::string aws_error_code(const HttpAnswer& answer);

/// The attempt ended because of that error code. Pure.
[[nodiscard]] bool ended_by(const AttemptResult& result, std::string_view code);

/// The service refused the credentials as expired; with newer ones it may take the request. Pure.
[[nodiscard]] bool says_expired(const HttpAnswer& answer);

}  // namespace postlude::extension
