#pragma once

#include <chrono>
#include <string>

namespace postlude::emulator {

/// AWS credentials of the function.
struct AccessKeys {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;
};

/// Where a restored environment gets them (lambda-protocol.md 1.1).
inline constexpr const char* kCredentialsPath = "/2021-04-23/credentials";

/// What it gets. Pure.
[[nodiscard]] std::string credentials_document(const AccessKeys& keys,
                                               std::chrono::system_clock::time_point now);

}  // namespace postlude::emulator
