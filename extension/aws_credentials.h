#pragma once

#include "common/clock.h"

#include <optional>
#include <string>

namespace postlude::extension {

/// What requests to AWS are signed with. Never logged.
struct AwsCredentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;           ///< empty: none
  std::optional<EpochTime> expires{};  ///< nothing: unknown

  friend bool operator==(const AwsCredentials&, const AwsCredentials&) = default;
};

}  // namespace postlude::extension
