#include "extension/aws_result.h"

#include "common/json_text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace postlude::extension {
namespace {

using Json = nlohmann::json;
using Kind = AttemptResult::Kind;

constexpr std::size_t kMostCodeBytes = 64;
/// Error answers are short; of a longer one only the beginning is searched for a code.
constexpr std::size_t kMostSearchedBytes = std::size_t{64} * 1024;
/// A service that asks for a longer pause is asked again as if it had asked for this one.
constexpr Millis kLongestRetryAfter = std::chrono::hours(1);

/// Overload, passing trouble of the service, or a clock that stood still in a freeze: worth another
/// attempt, whatever the status (AWS SDKs' lists of throttling, transient and clock skew errors).
constexpr std::array<std::string_view, 39> kRetryable{
    "BandwidthLimitExceeded",
    "ConditionalRequestConflict",
    "EC2ThrottledException",
    "ExecutionLimitExceeded",
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "InternalServerException",
    "InternalServiceError",
    "KMSThrottlingException",
    "KmsThrottled",
    "LimitExceededException",
    "OperationAborted",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestInTheFuture",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestTimeTooSkewed",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServerException",
    "ServiceException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "Slowdown",
    "SlowDown",
    "TemporarilyUnavailable",
    "ThrottledException",
    "Throttled",
    "Throttling",
    "ThrottlingError",
    "ThrottlingException",
    "TooManyRequests",
    "TooManyRequestsException",
    "TransactionConflictException",
    "TransactionInProgressException",
    "IDPCommunicationError",
};

constexpr std::array<std::string_view, 5> kExpired{"ExpiredToken",
                                                   "ExpiredTokenException",
                                                   "ExpiredCredentials",
                                                   "RequestExpired",
                                                   "TokenRefreshRequired"};

template <std::size_t Size>
bool is_one_of(const std::array<std::string_view, Size>& codes, std::string_view code) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::optional<std::string_view> field_of(const HttpAnswer& answer, std::string_view name) {
  for (const auto& [key, value] : answer.fields) {
    if (std::equal(key.begin(), key.end(), name.begin(), name.end(), [](char a, char b) {
          return lower(a) == lower(b);
        })) {
      return value;
    }
  }
  return std::nullopt;
}

/// "aws.service#Code:http://..." is "Code"; what cannot be a code is nothing.
std::string clean(std::string_view text) {
  text = text.substr(0, text.find(':'));
  if (const std::size_t hash = text.rfind('#'); hash != std::string_view::npos) {
    text.remove_prefix(hash + 1);
  }
  const bool is_code = !text.empty() && text.size() <= kMostCodeBytes &&
                       std::all_of(text.begin(), text.end(), [](char c) {
                         return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') ||
                                c == '.' || c == '_' || c == '-';
                       });
  return is_code ? std::string(text) : std::string();
}

std::string text_member(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Json json_of(const HttpAnswer& answer) {
  auto document = parse_json(answer.body);
  return document && document->is_object() ? std::move(*document) : Json::object();
}

std::string code_in_xml(std::string_view body) {
  constexpr std::string_view kOpen = "<Code>";
  body = body.substr(0, kMostSearchedBytes);
  const std::size_t from = body.find(kOpen);
  if (from == std::string_view::npos) {
    return {};
  }
  body.remove_prefix(from + kOpen.size());
  return clean(body.substr(0, body.find('<')));
}

std::string code_in_json(const HttpAnswer& answer) {
  if (answer.body.size() > kMostSearchedBytes || !answer.body.starts_with('{')) {
    return {};
  }
  const Json document = json_of(answer);
  for (const char* const key : {"__type", "code", "Code"}) {
    if (std::string code = clean(text_member(document, key)); !code.empty()) {
      return code;
    }
  }
  return {};
}

/// JSON services call a signature that came too late an invalid one; only the words tell.
bool is_late_signature(std::string_view code, std::string_view body) {
  return (code == "InvalidSignatureException" || code == "SignatureDoesNotMatch") &&
         (body.find("Signature expired") != std::string_view::npos ||
          body.find("Signature not yet current") != std::string_view::npos);
}

/// The first error code of entries of which some were not taken.
std::string code_of_entries(const Json& document) {
  for (const char* const list : {"Entries", "RequestResponses", "Records", "Failed", "failures"}) {
    const auto entries = document.find(list);
    if (entries == document.end() || !entries->is_array()) {
      continue;
    }
    for (const Json& entry : *entries) {
      for (const char* const key : {"ErrorCode", "Code", "reason"}) {
        if (std::string code = entry.is_object() ? clean(text_member(entry, key)) : std::string();
            !code.empty()) {
          return code;
        }
      }
    }
  }
  return {};
}

/// Batches, and operations that answer 200 to what they did not do: PutEvents, PutRecords,
/// PutRecordBatch, SendMessageBatch, RunTask, BatchWriteItem.
bool has_failed_part(const Json& document) {
  for (const char* const count : {"FailedEntryCount", "FailedPutCount", "FailedRecordCount"}) {
    const auto found = document.find(count);
    if (found != document.end() && found->is_number() && found->get<double>() > 0) {
      return true;
    }
  }
  for (const char* const list : {"Failed", "failures", "UnprocessedItems"}) {
    const auto found = document.find(list);
    if (found != document.end() && found->is_structured() && !found->empty()) {
      return true;
    }
  }
  return false;
}

/// Of an entry without a code of overload, the same entry would fail again; items that were merely
/// not processed have no code at all.
AttemptResult result_of_parts(const AwsRequest& request, const HttpAnswer& answer) {
  const Json document = json_of(answer);
  if (!has_failed_part(document)) {
    return {};
  }
  const std::string code = code_of_entries(document);
  const bool again = code.empty() || is_one_of(kRetryable, code);
  return {.kind = again ? Kind::failed : Kind::refused,
          .why = fmt::format("{}: {} with failed entries{}{}",
                             request.label,
                             answer.status,
                             code.empty() ? "" : " ",
                             code)};
}

AttemptResult success_of(const AwsRequest& request, const HttpAnswer& answer) {
  // Of the answers that are read, only those of JSON protocols tell of parts.
  const bool has_parts = request.signing_name == "events" || request.signing_name == "kinesis" ||
                         request.signing_name == "firehose" || request.signing_name == "sqs" ||
                         request.signing_name == "ecs" || request.signing_name == "dynamodb";
  if (has_parts) {
    return result_of_parts(request, answer);
  }
  if (request.signing_name == "lambda" && field_of(answer, "x-amz-function-error")) {
    return {.kind = Kind::failed,
            .why = fmt::format("{}: {} with a function error", request.label, answer.status)};
  }
  return {};
}

std::optional<Millis> retry_after(const HttpAnswer& answer) {
  const auto value = field_of(answer, "retry-after");
  unsigned seconds = 0;
  if (!value || value->empty()) {
    return std::nullopt;
  }
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), seconds);
  if (error != std::errc() || end != value->data() + value->size()) {
    return std::nullopt;
  }
  return std::min<Millis>(std::chrono::seconds(seconds), kLongestRetryAfter);
}

bool is_passing_status(int status) {
  return status >= 500 || status == 408 || status == 425 || status == 429;
}

}  // namespace

std::string aws_error_code(const HttpAnswer& answer) {
  if (const auto type = field_of(answer, "x-amzn-errortype")) {
    if (std::string code = clean(*type); !code.empty()) {
      return code;
    }
  }
  std::string code = code_in_json(answer);
  return code.empty() ? code_in_xml(answer.body) : code;
}

bool ended_by(const AttemptResult& result, std::string_view code) {
  return result.kind != Kind::success && result.why.ends_with(fmt::format(" {}", code));
}

bool says_expired(const HttpAnswer& answer) {
  return answer.status >= 400 && is_one_of(kExpired, aws_error_code(answer));
}

AttemptResult aws_result(const AwsRequest& request, const HttpAnswer& answer) {
  if (answer.status >= 200 && answer.status < 300) {
    return success_of(request, answer);
  }
  const std::string code = aws_error_code(answer);
  if (!request.done_code.empty() && code == request.done_code) {
    return {};
  }
  const bool again = is_passing_status(answer.status) || is_one_of(kRetryable, code) ||
                     is_one_of(kExpired, code) || is_late_signature(code, answer.body);
  return {
      .kind = again ? Kind::failed : Kind::refused,
      .why = fmt::format("{}: {}{}{}", request.label, answer.status, code.empty() ? "" : " ", code),
      .retry_after = again ? retry_after(answer) : std::nullopt};
}

AttemptResult unanswered(std::string_view what, const HttpFailure& failure) {
  const auto kind = [&] {
    switch (failure.kind) {
      case HttpFailure::Kind::refused:
        return Kind::refused;
      case HttpFailure::Kind::stopped:
        return Kind::stopped;
      case HttpFailure::Kind::unreachable:
      case HttpFailure::Kind::timed_out:
        break;
    }
    return Kind::failed;
  };
  return {.kind = kind(), .why = fmt::format("{}: {}", what, failure.why)};
}

}  // namespace postlude::extension
