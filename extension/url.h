#pragma once

#include "common/error.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postlude::extension {

/// An absolute http or https URL.
struct Url {
  bool tls = true;
  std::string host;          ///< lower case, without the brackets of an IPv6 address
  std::uint16_t port = 0;    ///< given, or the scheme's own
  std::string target = "/";  ///< path and query

  /// "host", or "host:port" where it is not the scheme's own; for the Host field.
  [[nodiscard]] std::string authority() const;
};

/// User names, fragments, other schemes, control characters and spaces are errors. Pure.
[[nodiscard]] Result<Url> parse_url(std::string_view text);

class AllowedHosts;

}  // namespace postlude::extension
