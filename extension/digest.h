#pragma once

#include "common/error.h"

#include <string>
#include <string_view>

namespace postlude::extension {

/// 32 bytes. An error only where OpenSSL itself fails.
[[nodiscard]] Result<std::string> sha256(std::string_view bytes);
[[nodiscard]] Result<std::string> hmac_sha256(std::string_view key, std::string_view message);

/// Lower-case hexadecimal.
[[nodiscard]] std::string to_hex(std::string_view bytes);

}  // namespace postlude::extension
