#include "extension/run_http.h"

#include "common/http_head.h"
#include "extension/request_head.h"
#include "extension/retry_after.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace postlude::extension {
namespace {

using Kind = AttemptResult::Kind;

void add_unless_given(HttpFields& fields, std::string_view name, std::string_view value) {
  const bool given = std::any_of(fields.begin(), fields.end(), [name](const auto& field) {
    return equal_ignoring_case(field.first, name);
  });
  if (!given) {
    fields.emplace_back(name, value);
  }
}

AttemptResult judge(const HttpFailure& failure) {
  switch (failure.kind) {
    case HttpFailure::Kind::unreachable:
    case HttpFailure::Kind::timed_out:
      return {Kind::failed, failure.why};
    case HttpFailure::Kind::refused:
      return {Kind::refused, failure.why};
    case HttpFailure::Kind::stopped:
      break;
  }
  return {Kind::stopped, failure.why};
}

}  // namespace

Result<HttpRequest> make_http_request(const HttpAction& rendered,
                                      std::string_view task_id,
                                      const AllowedHosts* allowed) {
  auto url = parse_url(rendered.url);
  if (!url) {
    return tl::unexpected(std::move(url.error()));
  }
  HttpRequest request;
  request.method = rendered.method;
  request.url = std::move(*url);
  request.fields = rendered.headers;
  request.allowed = allowed;
  add_unless_given(request.fields, "Idempotency-Key", task_id);
  if (rendered.json) {
    request.body = *rendered.json;
    add_unless_given(request.fields, "Content-Type", "application/json");
  } else if (rendered.body) {
    request.body = *rendered.body;
    add_unless_given(request.fields, "Content-Type", "text/plain; charset=utf-8");
  }
  if (auto checked = check_request(request); !checked) {
    return tl::unexpected(std::move(checked.error()));
  }
  return request;
}

bool is_passing_status(int status) {
  constexpr int kRequestTimeout = 408;
  constexpr int kTooEarly = 425;
  constexpr int kTooManyRequests = 429;
  return status == kRequestTimeout || status == kTooEarly || status == kTooManyRequests ||
         status / 100 == 5;
}

AttemptResult judge_http(const tl::expected<HttpAnswer, HttpFailure>& end,
                         const Url& url,
                         EpochTime at) {
  if (!end) {
    return judge(end.error());
  }
  if (end->status / 100 == 2) {
    return {};
  }
  AttemptResult result{Kind::refused, fmt::format("HTTP {} from {}", end->status, url.authority())};
  if (is_passing_status(end->status)) {
    result.kind = Kind::failed;
    if (const auto value = end->find("Retry-After")) {
      result.retry_after = parse_retry_after(*value, at);
    }
  }
  return result;
}

}  // namespace postlude::extension
