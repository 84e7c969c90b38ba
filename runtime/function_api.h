#pragma once

#include "common/clock.h"
#include "common/http_head.h"
#include "common/messages.h"
#include "runtime/extension_state.h"

#include <tl/expected.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace postlude::runtime {

/// An error of our own routes: {"error": {"type", "message"}} (contract.md 5).
struct ApiError {
  int status = 0;  ///< 400, 404, 409, 413 or 503
  std::string_view type = {};
  std::string message = {};
};

/// What we answer a request with that does not go to the platform.
struct LocalAnswer {
  std::string message;          ///< whole; without its body where the method is HEAD
  bool wants_continue = false;  ///< the caller waits for "100 Continue" before it sends its body
  bool closes = false;          ///< the caller expects the end of the connection behind it
};

/// Today GET /postlude/v1/health; everything else is 404 with an error that says so. An early
/// answer does not come here, since it goes to the platform. All functions are pure.
[[nodiscard]] LocalAnswer answer_function_call(const HttpHead& request, ExtensionHealth extension);
[[nodiscard]] LocalAnswer refuse_function_call(const HttpHead& request, const ApiError& error);

/// The whole message of a refusal, where the request's head is not at hand any more.
[[nodiscard]] std::string refusal_message(const ApiError& error);
/// To POST .../tasks: the id of the accepted task, or why there is none.
[[nodiscard]] std::string defer_result(const tl::expected<std::string, ApiError>& accepted);

/// How an invocation is, for GET .../invocations/{id}.
struct InvocationView {
  std::string_view request_id;
  EpochTime deadline;
  bool responded = false;  ///< the platform took an answer
  const std::vector<TaskStatus>& tasks;
};
[[nodiscard]] std::string inspection_result(const InvocationView& invocation);

/// For what the runtime posts after an early answer: as the platform acknowledges an answer
/// (lambda-protocol.md 1.1).
[[nodiscard]] LocalAnswer acknowledge_discarded(const HttpHead& request);

/// The head of an early answer as it goes up: the function's own fields, without those that concern
/// its connection to us, under the Runtime API's path. `invocation_id` is
/// Lambda-Runtime-Invocation-Id as the event had it; empty: it had none.
[[nodiscard]] std::string early_answer_head(const HttpHead& request,
                                            std::string_view request_id,
                                            std::string_view invocation_id);
/// What the function is told when the platform has answered with `status`; 0: it did not answer.
[[nodiscard]] std::string early_answer_result(int status);

/// What a request expects of its connection to us; no message yet.
[[nodiscard]] LocalAnswer manners_of(const HttpHead& request);

}  // namespace postlude::runtime
