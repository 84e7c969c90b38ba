#pragma once

#include "common/clock.h"
#include "extension/aws_client.h"
#include "extension/template_sources.h"

#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace postlude::extension {

/// A value is fetched anew when it is older (contract.md 4.4).
inline constexpr Millis kSecretLifetime = std::chrono::minutes(5);
/// Values kept at once, of at most 64 KiB each (Secrets Manager's limit); the oldest makes room.
inline constexpr std::size_t kMostCachedSecrets = 64;

/// Values of Secrets Manager and Parameter Store that templates refer to. Kept in memory only,
/// never logged. For any number of threads; a name is fetched by one of them at a time, the others
/// wait for it until their deadline.
class SecretValues {
 public:
  /// The error does not repeat the name. `missing`: there is none of that name; `retry`:
  /// throttling, no answer; `fail`: no right to it, and anything else.
  using Outcome = tl::expected<std::string, TemplateFailure>;

  /// What was fetched is fetched anew. While nothing is under way.
  void forget();

  /// SecretString, else SecretBinary decoded. `name` may be an ARN, of another Region too.
  [[nodiscard]] Outcome secret(std::string_view name, const AwsClient& client, EpochTime deadline);
  /// A parameter of Parameter Store, decrypted. `name` may be an ARN.
  [[nodiscard]] Outcome parameter(std::string_view name,
                                  const AwsClient& client,
                                  EpochTime deadline);

 private:
  enum class Store { secrets_manager, parameter_store };
  using Key = std::pair<Store, std::string>;
  struct Entry {
    bool fetching = false;
    std::string value;
    EpochTime fetched_at;
  };

  [[nodiscard]] Outcome get(const Key& key, const AwsClient& client, EpochTime deadline);
  [[nodiscard]] static Outcome fetch(const Key& key, const AwsClient& client, EpochTime deadline);
  void make_room();

  std::mutex mutex_;
  std::condition_variable fetched_;
  std::map<Key, Entry> entries_;  ///< guarded by mutex_
};

}  // namespace postlude::extension
