#include "tests/emulator/credentials.h"

#include "common/json_text.h"
#include "tests/emulator/log_lines.h"

#include <nlohmann/json.hpp>

namespace postlude::emulator {

std::string credentials_document(const AccessKeys& keys,
                                 std::chrono::system_clock::time_point now) {
  /// Whoever keeps them beyond that asks again; longer than any local session.
  constexpr std::chrono::hours kLifetime{12};
  return dump_json({{"AccessKeyId", keys.access_key_id},
                    {"SecretAccessKey", keys.secret_access_key},
                    {"Token", keys.session_token},
                    {"Expiration", iso_time(now + kLifetime)}});
}

}  // namespace postlude::emulator
