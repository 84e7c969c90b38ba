#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace postlude {

/// Standard alphabet with padding.
[[nodiscard]] std::string base64_encode(std::string_view bytes);
/// Nothing if it is not base64; missing padding is accepted.
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text);

}  // namespace postlude
