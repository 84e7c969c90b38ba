#include "tests/emulator/caller_request.h"

#include "common/base64.h"
#include "common/json_text.h"
#include "tests/emulator/invocation_request.h"
#include "tests/emulator/limits.h"
#include "tests/emulator/refusal.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <optional>
#include <utility>

namespace postlude::emulator {
namespace {

constexpr int kBadRequest = 400;
constexpr int kNotFound = 404;
constexpr int kRequestTimeout = 408;
constexpr int kTooLarge = 413;
constexpr int kTooMany = 429;
/// As it stands in its header (lambda-protocol.md 6.1).
constexpr std::size_t kMaxClientContext = 3583;

ServiceError unknown_function(const Options& options, const FunctionReference& function) {
  return {kNotFound,
          "ResourceNotFoundException",
          fmt::format(R"({{"Type":"User","Message":{}}})",
                      json_quoted(fmt::format(
                          "Function not found: arn:aws:lambda:{}:{}:function:{}:{}",
                          options.region,
                          options.account_id,
                          function.name,
                          function.qualifier.empty() ? "$LATEST" : function.qualifier)))};
}

/// A stream is asked for or tried, never queued.
std::optional<InvocationType> type_of(const CallerRequest& given) {
  if (given.type.empty() || given.type == "RequestResponse") {
    return InvocationType::request_response;
  }
  if (given.type == "DryRun") {
    return InvocationType::dry_run;
  }
  if (given.type == "Event" && given.mode == CallerMode::buffered) {
    return InvocationType::event;
  }
  return std::nullopt;
}

std::optional<ServiceError> payload_error(const std::string& body, InvocationType type) {
  const bool event = type == InvocationType::event;
  const std::size_t limit = event ? kMaxEventBytes : kMaxBufferedBytes;
  if (body.size() > limit) {
    return service_error(
        kTooLarge,
        "RequestTooLargeException",
        fmt::format("{} byte payload is too large for the {} invocation type (limit {} bytes)",
                    body.size(),
                    event ? "Event" : "RequestResponse",
                    limit));
  }
  if (!body.empty() && !nlohmann::json::accept(body)) {
    return service_error(
        kBadRequest,
        "InvalidRequestContentException",
        "Could not parse request body into json: " + parse_json(body).error().message);
  }
  return std::nullopt;
}

/// The client context as JSON text.
std::variant<std::string, ServiceError> decode_context(const std::string& given) {
  constexpr const char* kType = "InvalidRequestContentException";
  if (given.size() > kMaxClientContext) {
    return service_error(
        kBadRequest,
        kType,
        fmt::format("Client context must be no more than {} bytes.", kMaxClientContext));
  }
  auto context = base64_decode(given);
  if (!context || (!context->empty() && !nlohmann::json::accept(*context))) {
    return service_error(
        kBadRequest, kType, "Client context must be a valid Base64-encoded JSON object.");
  }
  return std::move(*context);
}

}  // namespace

ServiceError service_error(int status, const std::string& type, const std::string& message) {
  return {status, type, fmt::format(R"({{"Type":"User","message":{}}})", json_quoted(message))};
}

ServiceError too_many_requests() {
  return {kTooMany,
          "TooManyRequestsException",
          R"({"Type":"User","message":"Rate Exceeded.",)"
          R"("Reason":"ReservedFunctionConcurrentInvocationLimitExceeded",)"
          R"("retryAfterSeconds":"1"})"};
}

ServiceError snap_start_error() {
  return service_error(kBadRequest,
                       "SnapStartException",
                       "The afterRestore() runtime hook encountered an error. For more "
                       "information, check the Amazon CloudWatch logs.");
}

ServiceError snap_start_timeout() {
  return service_error(kRequestTimeout,
                       "SnapStartTimeoutException",
                       "Lambda couldn't restore the snapshot within the timeout limit.");
}

std::variant<CheckedCall, ServiceError> check_call(const Options& options, CallerRequest given) {
  const FunctionReference function = parse_function_reference(given.function);
  if (function.name != options.function_name) {
    return unknown_function(options, function);
  }
  const auto type = type_of(given);
  if (!type) {
    return service_error(kBadRequest,
                         "InvalidParameterValueException",
                         "Unsupported invocation type: " + given.type);
  }
  if (auto error = payload_error(given.body, *type)) {
    return std::move(*error);
  }
  auto context = decode_context(given.client_context);
  if (auto* error = std::get_if<ServiceError>(&context)) {
    return std::move(*error);
  }
  InvocationRequest request = new_request(options, given.trace_id, given.mode);
  // Only a caller that waits hands its context on (lambda-protocol.md 1.2).
  if (*type != InvocationType::event) {
    request.client_context = std::get<std::string>(std::move(context));
  }
  request.tenant_id = given.tenant_id;
  request.payload = given.body.empty() ? "{}" : std::move(given.body);
  request.function_arn =
      function_arn(options, given.qualifier.empty() ? function.qualifier : given.qualifier);
  return CheckedCall{*type, std::move(request)};
}

}  // namespace postlude::emulator
