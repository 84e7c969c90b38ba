#pragma once

#include "common/child_process.h"
#include "common/http_head.h"
#include "runtime/invocation.h"

#include <string>

namespace postlude::runtime {

/// What the messages of the Runtime API say of an invocation (lambda-protocol.md 1.2 to 1.5). Pure,
/// but for the time of day.

/// From the head of an event. Without a deadline of the platform it is the longest there can be.
[[nodiscard]] Invocation::Description describe_event(const HttpHead& head, InvocationKey key);

/// The answer is streamed as an HTTP integration response: prelude, eight NUL bytes, body.
[[nodiscard]] bool streams_http(const HttpHead& head);

/// The error object that a caller sees of a runtime that died before its answer.
[[nodiscard]] std::string exit_error(const InvocationKey& key, ExitStatus status);

}  // namespace postlude::runtime
