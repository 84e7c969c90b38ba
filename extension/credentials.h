#pragma once

#include "common/clock.h"
#include "common/environment.h"
#include "extension/aws_credentials.h"
#include "extension/http_function.h"
#include "extension/schedule_steps.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>

namespace postlude::extension {

/// Credentials that expire sooner are fetched anew.
inline constexpr Millis kRefreshBefore = std::chrono::minutes(5);
/// Where the endpoint gives none that last longer, it is not asked at every request.
inline constexpr Millis kLeastRefreshPause = std::chrono::seconds(30);
/// The endpoint is on this machine; an attempt does not spend its time on it.
inline constexpr Millis kMostFetchTime = std::chrono::seconds(5);

/// The function's own credentials: of AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
/// AWS_SESSION_TOKEN, else from AWS_CONTAINER_CREDENTIALS_FULL_URI with
/// AWS_CONTAINER_AUTHORIZATION_TOKEN (SnapStart, lambda-protocol.md 5). Under SnapStart that
/// address comes first: what stands in the environment is as old as the snapshot. For any number of
/// threads; one of them fetches, the others wait for it until their deadline.
class Credentials {
 public:
  explicit Credentials(const Environment& environment);

  /// What was fetched is fetched anew. While nothing is under way.
  void forget();

  /// The error is how the attempt ends that needs them.
  using Outcome = tl::expected<AwsCredentials, AttemptResult>;

  /// Fetched where none are there or they expire soon. If that fails while the old ones still
  /// hold, those.
  [[nodiscard]] Outcome current(EpochTime now, EpochTime deadline, const HttpFunction& http);

  /// A service said that `refused` have expired: others, if there are any by now. Those of the
  /// environment never change: then it gives `refused` again.
  [[nodiscard]] Outcome replacement(const AwsCredentials& refused,
                                    EpochTime now,
                                    EpochTime deadline,
                                    const HttpFunction& http);

 private:
  [[nodiscard]] bool fresh(EpochTime now) const;
  [[nodiscard]] Outcome refreshed(std::unique_lock<std::mutex> lock,
                                  EpochTime now,
                                  EpochTime deadline,
                                  const HttpFunction& http);

  bool from_environment_ = false;
  std::string uri_;
  std::string token_;
  std::mutex mutex_;
  std::condition_variable fetched_;
  bool fetching_ = false;  ///< guarded by mutex_, as those below
  std::optional<AwsCredentials> cached_;
  std::optional<EpochTime> fetched_at_;
};

/// What the endpoint answers: AccessKeyId, SecretAccessKey, Token, Expiration. The error does not
/// repeat it. Pure.
[[nodiscard]] Result<AwsCredentials> parse_container_credentials(std::string_view text);

/// "2026-01-31T12:00:00Z", with or without parts of a second. Pure.
[[nodiscard]] std::optional<EpochTime> parse_utc_time(std::string_view text);

}  // namespace postlude::extension
