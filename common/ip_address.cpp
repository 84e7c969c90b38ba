#include "common/ip_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>

namespace postlude {
namespace {

struct SpecialRange {
  std::string_view base;
  std::size_t prefix;
  std::string_view what;
};

// IANA's registries of special-purpose addresses (RFC 6890 and its successors). The first that
// fits.
constexpr auto kSpecialV4 = std::to_array<SpecialRange>({
    {"0.0.0.0", 8, "an unspecified address"},
    {"10.0.0.0", 8, "a private address"},
    {"100.64.0.0", 10, "a carrier's shared address"},
    {"127.0.0.0", 8, "a loopback address"},
    {"169.254.0.0", 16, "a link-local address"},
    {"172.16.0.0", 12, "a private address"},
    {"192.0.0.0", 24, "a reserved address"},
    {"192.0.2.0", 24, "a documentation address"},
    {"192.88.99.0", 24, "a reserved address"},
    {"192.168.0.0", 16, "a private address"},
    {"198.18.0.0", 15, "a benchmarking address"},
    {"198.51.100.0", 24, "a documentation address"},
    {"203.0.113.0", 24, "a documentation address"},
    {"224.0.0.0", 4, "a multicast address"},
    {"240.0.0.0", 4, "a reserved address"},
});

constexpr auto kSpecialV6 = std::to_array<SpecialRange>({
    {"::", 128, "an unspecified address"},
    {"::1", 128, "a loopback address"},
    {"64:ff9b:1::", 48, "a private address"},
    {"2001::", 23, "a reserved address"},
    {"2001:db8::", 32, "a documentation address"},
    {"3fff::", 20, "a documentation address"},
    {"fc00::", 7, "a private address"},
    {"fe80::", 10, "a link-local address"},
    {"fec0::", 10, "a private address"},
    {"ff00::", 8, "a multicast address"},
});

/// Where addresses of these ranges carry an IPv4 address.
struct Carrier {
  std::string_view base;
  std::size_t prefix;
  std::size_t offset;
};

constexpr auto kCarriers = std::to_array<Carrier>({{"64:ff9b::", 96, 12}, {"2002::", 16, 2}});

bool in_range(const IpAddress& address, std::string_view base, std::size_t prefix) {
  const auto parsed = parse_ip_address(base);
  return parsed && IpRange{*parsed, prefix}.contains(address);
}

IpAddress v4_at(const IpAddress& address, std::size_t offset) {
  IpAddress result;
  std::copy_n(address.bytes.begin() + static_cast<std::ptrdiff_t>(offset), 4, result.bytes.begin());
  return result;
}

template <std::size_t kSize>
std::optional<std::string_view> first_fit(const std::array<SpecialRange, kSize>& ranges,
                                          const IpAddress& address) {
  const auto found = std::find_if(ranges.begin(), ranges.end(), [&](const SpecialRange& range) {
    return in_range(address, range.base, range.prefix);
  });
  return found == ranges.end() ? std::nullopt : std::optional(found->what);
}

}  // namespace

std::string IpAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> buffer = {};
  const int af = family == Family::v4 ? AF_INET : AF_INET6;
  ::inet_ntop(af, bytes.data(), buffer.data(), buffer.size());
  return buffer.data();
}

std::optional<IpAddress> parse_ip_address(std::string_view text) {
  // inet_pton reads a C string.
  if (text.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  const std::string copy(text);
  IpAddress result;
  if (::inet_pton(AF_INET, copy.c_str(), result.bytes.data()) == 1) {
    return result;
  }
  result.family = IpAddress::Family::v6;
  if (::inet_pton(AF_INET6, copy.c_str(), result.bytes.data()) != 1) {
    return std::nullopt;
  }
  constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::equal(kMapped.begin(), kMapped.end(), result.bytes.begin())) {
    return v4_at(result, kMapped.size());
  }
  return result;
}

std::optional<IpAddress> parse_ip_spelling(std::string_view text) {
  if (auto strict = parse_ip_address(text)) {
    return strict;
  }
  // inet_aton ignores what follows a space, and reads a C string.
  if (text.find_first_not_of("0123456789abcdefxABCDEFX.") != std::string_view::npos) {
    return std::nullopt;
  }
  in_addr loose = {};
  if (::inet_aton(std::string(text).c_str(), &loose) == 0) {
    return std::nullopt;
  }
  IpAddress result;
  const std::uint32_t number = ntohl(loose.s_addr);
  for (std::size_t i = 0; i < 4; ++i) {
    result.bytes[i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  }
  return result;
}

bool IpRange::contains(const IpAddress& address) const {
  if (address.family != base.family) {
    return false;
  }
  for (std::size_t bit = 0; bit < prefix; bit += 8) {
    const std::size_t taken = std::min<std::size_t>(8, prefix - bit);
    const auto mask = static_cast<std::uint8_t>(0xff00U >> taken);
    if (((base.bytes[bit / 8] ^ address.bytes[bit / 8]) & mask) != 0) {
      return false;
    }
  }
  return true;
}

std::optional<std::string_view> special_use(const IpAddress& address) {
  if (address.family == IpAddress::Family::v4) {
    return first_fit(kSpecialV4, address);
  }
  for (const Carrier& carrier : kCarriers) {
    if (in_range(address, carrier.base, carrier.prefix)) {
      return special_use(v4_at(address, carrier.offset));
    }
  }
  if (const auto what = first_fit(kSpecialV6, address)) {
    return what;
  }
  if (!in_range(address, "2000::", 3)) {
    return "a reserved address";
  }
  return std::nullopt;
}

}  // namespace postlude
