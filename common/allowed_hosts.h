#pragma once

#include "common/error.h"
#include "common/ip_address.h"

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace postlude {

/// A glob of host names in lower case ("*.example.com"), or a range of addresses.
using AllowedHost = std::variant<std::string, IpRange>;

/// One entry of `allowHosts` (contract.md 4.1): "hooks.slack.com", "*.example.com" (`*` spans one
/// character or more, dots too), "127.0.0.1", "10.0.0.0/8", "fd00::/8". The error says what is
/// wrong with it. Pure.
[[nodiscard]] Result<AllowedHost> parse_allowed_host(std::string_view entry);

/// Which hosts a URL may name that comes out of a template. A value; pure.
class AllowedHosts {
 public:
  /// The error names the first bad entry.
  [[nodiscard]] static Result<AllowedHosts> parse(const std::vector<std::string>& entries);

  /// May a URL name this host? `host` as Url has it. An address in any spelling must be listed as
  /// an address or by its range; globs are for names. The error is for a user's log.
  [[nodiscard]] Result<void> check_host(std::string_view host) const;

  /// May a connection go to this address? Public ones: yes; others only if listed as an address or
  /// by a range. The error is for a user's log.
  [[nodiscard]] Result<void> check_address(const IpAddress& address) const;

 private:
  [[nodiscard]] bool lists(const IpAddress& address) const;

  std::vector<AllowedHost> entries_;
};

}  // namespace postlude
