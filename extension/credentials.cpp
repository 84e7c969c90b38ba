#include "extension/credentials.h"

#include "common/json_text.h"
#include "extension/aws_endpoint.h"
#include "extension/aws_result.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>

namespace postlude::extension {
namespace {

using Outcome = Credentials::Outcome;

constexpr int kOk = 200;
constexpr int kTooManyRequests = 429;
constexpr int kFirstServerError = 500;

tl::unexpected<AttemptResult> failed(AttemptResult::Kind kind, std::string_view why) {
  return tl::unexpected(
      AttemptResult{.kind = kind, .why = fmt::format("AWS credentials: {}", why)});
}

/// The endpoint's URL may have a query, unlike those of services.
Result<HttpRequest> container_request(std::string_view uri, const std::string& token) {
  const std::size_t query = std::min(uri.find('?'), uri.size());
  auto url = parse_endpoint_url(uri.substr(0, query));
  if (!url) {
    return fail(fmt::format("AWS_CONTAINER_CREDENTIALS_FULL_URI: {}", url.error().message));
  }
  if (url->target.empty()) {
    url->target.push_back('/');
  }
  url->target.append(uri.substr(query));
  HttpRequest request{.method = "GET", .url = std::move(*url), .fields = {}, .body = {}};
  if (token.find_first_of("\r\n") != std::string::npos) {
    return fail("AWS_CONTAINER_AUTHORIZATION_TOKEN has a line end");
  }
  if (!token.empty()) {
    request.fields.emplace_back("Authorization", token);
  }
  return request;
}

Outcome fetch(std::string_view uri,
              const std::string& token,
              EpochTime deadline,
              const HttpFunction& http) {
  const auto request = container_request(uri, token);
  if (!request) {
    return failed(AttemptResult::Kind::refused, request.error().message);
  }
  const auto answer = http(*request, deadline);
  if (!answer) {
    return tl::unexpected(unanswered("AWS credentials", answer.error()));
  }
  if (answer->status != kOk) {
    const bool again = answer->status == kTooManyRequests || answer->status >= kFirstServerError;
    return failed(again ? AttemptResult::Kind::failed : AttemptResult::Kind::refused,
                  fmt::format("the container endpoint answered {}", answer->status));
  }
  auto parsed = parse_container_credentials(answer->body);
  if (!parsed) {
    return failed(AttemptResult::Kind::failed, parsed.error().message);
  }
  return std::move(*parsed);
}

bool is_number(std::string_view text, int& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value >= 0;
}

std::string text_member(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

std::optional<EpochTime> parse_utc_time(std::string_view text) {
  constexpr std::string_view kForm = "0000-00-00T00:00:00";
  if (text.size() <= kForm.size() || text.back() != 'Z') {
    return std::nullopt;
  }
  for (std::size_t at = 0; at < kForm.size(); ++at) {
    if (kForm[at] != '0' && text[at] != kForm[at]) {
      return std::nullopt;
    }
  }
  int year = 0;
  int month = 0;
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  if (!is_number(text.substr(0, 4), year) || !is_number(text.substr(5, 2), month) ||
      !is_number(text.substr(8, 2), day) || !is_number(text.substr(11, 2), hour) ||
      !is_number(text.substr(14, 2), minute) || !is_number(text.substr(17, 2), second)) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) {
    return std::nullopt;
  }
  return EpochTime(std::chrono::sys_days(date).time_since_epoch()) + std::chrono::hours(hour) +
         std::chrono::minutes(minute) + std::chrono::seconds(second);
}

Result<AwsCredentials> parse_container_credentials(std::string_view text) {
  const auto document = parse_json(text);
  if (!document || !document->is_object()) {
    return fail("the container endpoint's answer is no JSON object");
  }
  AwsCredentials credentials{.access_key_id = text_member(*document, "AccessKeyId"),
                             .secret_access_key = text_member(*document, "SecretAccessKey"),
                             .session_token = text_member(*document, "Token"),
                             .expires = parse_utc_time(text_member(*document, "Expiration"))};
  if (credentials.access_key_id.empty() || credentials.secret_access_key.empty()) {
    return fail("the container endpoint's answer lacks AccessKeyId or SecretAccessKey");
  }
  return credentials;
}

Credentials::Credentials(const Environment& environment)
    : uri_(environment.get_or("AWS_CONTAINER_CREDENTIALS_FULL_URI", "")),
      token_(environment.get_or("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")) {
  const bool restored = environment.get_or("AWS_LAMBDA_INITIALIZATION_TYPE", "") == "snap-start";
  if (restored && !uri_.empty()) {
    return;
  }
  const std::string_view id = environment.get_or("AWS_ACCESS_KEY_ID", "");
  const std::string_view secret = environment.get_or("AWS_SECRET_ACCESS_KEY", "");
  if (!id.empty() && !secret.empty()) {
    from_environment_ = true;
    cached_ =
        AwsCredentials{.access_key_id = std::string(id),
                       .secret_access_key = std::string(secret),
                       .session_token = std::string(environment.get_or("AWS_SESSION_TOKEN", ""))};
  }
}

void Credentials::forget() {
  const std::lock_guard lock(mutex_);
  if (!from_environment_) {
    cached_.reset();
    fetched_at_.reset();
  }
}

bool Credentials::fresh(EpochTime now) const {
  if (!cached_) {
    return false;
  }
  if (from_environment_ || !cached_->expires || *cached_->expires - now > kRefreshBefore) {
    return true;
  }
  return *cached_->expires > now && fetched_at_ && now - *fetched_at_ < kLeastRefreshPause;
}

Outcome Credentials::current(EpochTime now, EpochTime deadline, const HttpFunction& http) {
  std::unique_lock lock(mutex_);
  if (fresh(now)) {
    return *cached_;
  }
  if (uri_.empty()) {
    return tl::unexpected(AttemptResult{.kind = AttemptResult::Kind::refused,
                                        .why =
                                            "no AWS credentials: AWS_ACCESS_KEY_ID and "
                                            "AWS_CONTAINER_CREDENTIALS_FULL_URI are both unset"});
  }
  return refreshed(std::move(lock), now, deadline, http);
}

Outcome Credentials::replacement(const AwsCredentials& refused,
                                 EpochTime now,
                                 EpochTime deadline,
                                 const HttpFunction& http) {
  std::unique_lock lock(mutex_);
  if (from_environment_ || uri_.empty()) {
    return refused;
  }
  if (cached_ == refused) {
    cached_.reset();
  }
  if (fresh(now)) {
    return *cached_;
  }
  return refreshed(std::move(lock), now, deadline, http);
}

Outcome Credentials::refreshed(std::unique_lock<std::mutex> lock,
                               EpochTime now,
                               EpochTime deadline,
                               const HttpFunction& http) {
  if (!fetched_.wait_until(lock, deadline, [this] { return !fetching_; })) {
    return failed(AttemptResult::Kind::failed, "another request for them takes too long");
  }
  if (fresh(now)) {  // by the thread that was waited for
    return *cached_;
  }
  fetching_ = true;
  lock.unlock();
  auto outcome = fetch(uri_, token_, std::min(deadline, now + kMostFetchTime), http);
  lock.lock();
  fetching_ = false;
  fetched_.notify_all();
  if (outcome) {
    cached_ = *outcome;
    fetched_at_ = now;
  } else if (cached_ && cached_->expires && *cached_->expires > now) {
    return *cached_;
  }
  return outcome;
}

}  // namespace postlude::extension
