#pragma once

#include "common/error.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace postlude {

/// An absolute http or https URL.
struct Url {
  bool tls = true;
  std::string host;          ///< lower case, without the brackets of an IPv6 address
  std::uint16_t port = 0;    ///< given, or the scheme's own
  std::string target = "/";  ///< path and query, as given

  /// "host", or "host:port" where it is not the scheme's own; for the Host field.
  [[nodiscard]] std::string authority() const;
  /// "host:port", always; for messages.
  [[nodiscard]] std::string endpoint() const;
};

/// Stricter than browsers, so that no two readers disagree about the host: user names, fragments,
/// other schemes, control characters, spaces, backslashes, characters beyond ASCII, `%` in the host
/// and hosts that are half an address are errors. The error says why without quoting the URL, which
/// may hold secrets. Pure.
[[nodiscard]] Result<Url> parse_url(std::string_view text);

}  // namespace postlude
