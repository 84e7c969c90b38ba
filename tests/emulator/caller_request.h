#pragma once

#include "tests/emulator/invocation.h"
#include "tests/emulator/options.h"

#include <string>
#include <variant>

namespace postlude::emulator {

enum class InvocationType { request_response, event, dry_run };

/// What came in at one of the Invoke API's paths, decoded no further than HTTP does.
struct CallerRequest {
  std::string function;  ///< of the path
  std::string qualifier;
  std::string type;  ///< X-Amz-Invocation-Type; empty: RequestResponse
  std::string client_context;
  std::string tenant_id;
  std::string trace_id;
  std::string body;
  CallerMode mode = CallerMode::buffered;
};

/// A call the service turns down (lambda-protocol.md 6.1): JSON body and header x-amzn-ErrorType.
struct ServiceError {
  int status = 400;
  std::string type;
  std::string body;
};
[[nodiscard]] ServiceError service_error(int status,
                                         const std::string& type,
                                         const std::string& message);
[[nodiscard]] ServiceError too_many_requests();
/// What the caller of an environment that could not be restored gets.
[[nodiscard]] ServiceError snap_start_error();
[[nodiscard]] ServiceError snap_start_timeout();

struct CheckedCall {
  InvocationType type = InvocationType::request_response;
  InvocationRequest request;
};
/// Checks it as the service does, before anything runs. Pure but for new ids.
[[nodiscard]] std::variant<CheckedCall, ServiceError> check_call(const Options& options,
                                                                 CallerRequest given);

}  // namespace postlude::emulator
