#include "common/allowed_hosts.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace postlude {
namespace {

/// Of a DNS name (RFC 1035).
constexpr std::size_t kMostHostBytes = 253;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](char c) { return lower(c); });
  return result;
}

/// Linear in time but for the product of both lengths: the last `*` alone is ever tried again.
bool glob_matches(std::string_view glob, std::string_view text) {
  std::size_t g = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  while (t < text.size()) {
    if (g < glob.size() && glob[g] == '*') {
      star = g++;
      resume = ++t;  // it spans one character at least
    } else if (g < glob.size() && glob[g] == text[t]) {
      ++g;
      ++t;
    } else if (star != std::string_view::npos) {
      g = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  return g == glob.size();
}

Result<AllowedHost> parse_range(std::string_view entry, std::size_t slash) {
  const auto base = parse_ip_address(entry.substr(0, slash));
  // A mapped address would change its family, and with it what the prefix counts.
  if (base && base->family == IpAddress::Family::v4 &&
      entry.substr(0, slash).find(':') != std::string_view::npos) {
    return fail(fmt::format("\"{}\": write a range of IPv4 addresses like 10.0.0.0/8", entry));
  }
  const std::string_view digits = entry.substr(slash + 1);
  std::size_t prefix = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
  if (!base || digits.empty() || read.ec != std::errc() ||
      read.ptr != digits.data() + digits.size() || prefix > base->bits()) {
    return fail(fmt::format("\"{}\" is not a range of addresses like 10.0.0.0/8", entry));
  }
  IpRange range{*base, prefix};
  for (std::size_t bit = prefix; bit < base->bits(); ++bit) {
    if ((base->bytes[bit / 8] & (0x80U >> (bit % 8))) != 0) {
      return fail(fmt::format("\"{}\" has bits set after its first {}", entry, prefix));
    }
  }
  return range;
}

bool is_glob_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
         c == '*';
}

/// "0x7f.1", "1.2.3.4.5": what is an address to some, and a name to nobody.
bool looks_like_address(std::string_view name) {
  const std::string_view last = name.substr(name.rfind('.') + 1);
  const bool hex = last.size() > 1 && last[0] == '0' && last[1] == 'x';
  return !last.empty() && (hex || std::all_of(last.begin(), last.end(), [](char c) {
                             return c >= '0' && c <= '9';
                           }));
}

Result<AllowedHost> parse_name(std::string_view entry) {
  std::string name = lower(entry);
  if (!std::all_of(name.begin(), name.end(), is_glob_character)) {
    return fail(fmt::format(
        "\"{}\" is neither a host name nor an address: write it without scheme, port and path",
        entry));
  }
  if (name.front() == '.' || name.back() == '.' || name.find("..") != std::string::npos ||
      name.size() > kMostHostBytes) {
    return fail(fmt::format("\"{}\" is not a host name", entry));
  }
  if (looks_like_address(name)) {
    return fail(fmt::format("\"{}\": write an address like 10.0.0.1 or 10.0.0.0/8", entry));
  }
  return name;
}

}  // namespace

Result<AllowedHost> parse_allowed_host(std::string_view entry) {
  if (entry.empty()) {
    return fail("an empty host");
  }
  if (const std::size_t slash = entry.find('/'); slash != std::string_view::npos) {
    return parse_range(entry, slash);
  }
  if (const auto address = parse_ip_address(entry)) {
    return IpRange{*address, address->bits()};
  }
  if (entry.find(':') != std::string_view::npos && entry.front() == '[') {
    return fail(fmt::format("\"{}\": write an IPv6 address without brackets and port", entry));
  }
  return parse_name(entry);
}

Result<AllowedHosts> AllowedHosts::parse(const std::vector<std::string>& entries) {
  AllowedHosts result;
  for (const std::string& entry : entries) {
    auto parsed = parse_allowed_host(entry);
    if (!parsed) {
      return tl::unexpected(std::move(parsed.error()));
    }
    result.entries_.push_back(std::move(*parsed));
  }
  return result;
}

Result<void> AllowedHosts::check_host(std::string_view host) const {
  if (const auto address = parse_ip_spelling(host)) {
    if (lists(*address)) {
      return {};
    }
    const auto special = special_use(*address);
    return fail(special ? fmt::format("{} is {}, list it in allowHosts", host, *special)
                        : fmt::format("{} is not in allowHosts", host));
  }
  const std::string name = lower(host);
  const bool listed = std::any_of(entries_.begin(), entries_.end(), [&](const AllowedHost& entry) {
    const auto* glob = std::get_if<std::string>(&entry);
    return glob != nullptr && glob_matches(*glob, name);
  });
  if (!listed) {
    return fail(fmt::format("{} is not in allowHosts", host));
  }
  return {};
}

Result<void> AllowedHosts::check_address(const IpAddress& address) const {
  const auto special = special_use(address);
  if (!special || lists(address)) {
    return {};
  }
  return fail(fmt::format("{} is {}, list it in allowHosts", address.text(), *special));
}

bool AllowedHosts::lists(const IpAddress& address) const {
  return std::any_of(entries_.begin(), entries_.end(), [&](const AllowedHost& entry) {
    const auto* range = std::get_if<IpRange>(&entry);
    return range != nullptr && range->contains(address);
  });
}

}  // namespace postlude
