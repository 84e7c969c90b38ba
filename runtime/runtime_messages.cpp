#include "runtime/runtime_messages.h"

#include "common/json_text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <charconv>
#include <utility>

namespace postlude::runtime {
namespace {

constexpr std::string_view kHttpIntegration = "application/vnd.awslambda.http-integration-response";

EpochTime deadline_of(const HttpHead& head) {
  const std::string_view text = head.find("Lambda-Runtime-Deadline-Ms").value_or("");
  Millis::rep value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  // Without a deadline nothing would ever end deferred work: the longest invocation there is.
  constexpr Millis kLongestInvocation = std::chrono::minutes(15);
  return value > 0 ? from_epoch_ms(value) : now() + kLongestInvocation;
}

}  // namespace

Invocation::Description describe_event(const HttpHead& head, InvocationKey key) {
  const auto text = [&head](std::string_view name) {
    return std::string(head.find(name).value_or(""));
  };
  Invocation::Description about{.key = std::move(key),
                                .event_time = now(),
                                .deadline = deadline_of(head),
                                .function_arn = text("Lambda-Runtime-Invoked-Function-Arn"),
                                .trace_id = text("Lambda-Runtime-Trace-Id"),
                                .tenant_id = std::nullopt,
                                .invocation_id = text("Lambda-Runtime-Invocation-Id"),
                                .cognito_identity = text("Lambda-Runtime-Cognito-Identity")};
  if (const auto tenant = head.find("Lambda-Runtime-Aws-Tenant-Id")) {
    about.tenant_id = std::string(*tenant);
  }
  return about;
}

bool streams_http(const HttpHead& head) {
  const std::string_view type = head.find("Content-Type").value_or("");
  return equal_ignoring_case(type.substr(0, type.find(';')), kHttpIntegration) &&
         head.find("Lambda-Runtime-Function-Response-Mode").value_or("") == "streaming";
}

std::string exit_error(const InvocationKey& key, ExitStatus status) {
  const std::string reason = status.success() ? "Runtime exited without providing a reason"
                                              : "Runtime exited with error: " + describe(status);
  return dump_json(
      {{"errorType", "Runtime.ExitError"},
       {"errorMessage", fmt::format("RequestId: {} Error: {}", key.request_id, reason)}});
}

}  // namespace postlude::runtime
