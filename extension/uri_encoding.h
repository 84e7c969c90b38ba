#pragma once

#include <string>
#include <string_view>

namespace postlude::extension {

/// Percent-encoded but for letters, digits and -._~ (RFC 3986's unreserved characters), upper-case
/// hexadecimal: as AWS signs and as any server reads. Bytes, not characters.
[[nodiscard]] std::string uri_encode(std::string_view text);
/// The same, slashes kept.
[[nodiscard]] std::string uri_encode_path(std::string_view path);
/// A `%` without two hexadecimal digits behind it stays as it is; so does a plus sign.
[[nodiscard]] std::string uri_decode(std::string_view text);

}  // namespace postlude::extension
