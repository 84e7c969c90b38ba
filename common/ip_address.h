#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postlude {

/// An IPv4 or IPv6 address as a value. An IPv4-mapped one (::ffff:a.b.c.d) is that IPv4 address.
struct IpAddress {
  enum class Family { v4, v6 } family = Family::v4;
  std::array<std::uint8_t, 16> bytes = {};  ///< in network order; IPv4 uses the first four

  [[nodiscard]] std::size_t bits() const { return family == Family::v4 ? 32 : 128; }
  /// "10.0.0.1", "fd00::1"
  [[nodiscard]] std::string text() const;

  friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

/// "10.0.0.1" or "fd00::1", as a careful person writes it: no brackets, zones or other spellings.
[[nodiscard]] std::optional<IpAddress> parse_ip_address(std::string_view text);

/// Every spelling that getaddrinfo takes for an address, also 2130706433, 0x7f.1 and 0177.0.0.1.
[[nodiscard]] std::optional<IpAddress> parse_ip_spelling(std::string_view text);

/// All addresses whose first `prefix` bits are those of `base`.
struct IpRange {
  IpAddress base;
  std::size_t prefix = 0;

  [[nodiscard]] bool contains(const IpAddress& address) const;
};

/// Why this is no address of the public internet ("a loopback address"); nothing for one that is.
/// Addresses that carry an IPv4 address on (NAT64, 6to4) are judged by that one.
[[nodiscard]] std::optional<std::string_view> special_use(const IpAddress& address);

}  // namespace postlude
