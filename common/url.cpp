#include "common/url.h"

#include "common/ip_address.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace postlude {
namespace {

/// Longer than any server takes (most stop at 8 KiB), and room for a large query.
constexpr std::size_t kMostUrlBytes = std::size_t{64} << 10;
/// Of a DNS name (RFC 1035).
constexpr std::size_t kMostHostBytes = 253;
constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;

std::uint16_t scheme_port(bool tls) {
  return tls ? kHttpsPort : kHttpPort;
}

std::string bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_' || c == '.';
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return result;
}

Result<void> check_characters(std::string_view text) {
  if (text.size() > kMostUrlBytes) {
    return fail(fmt::format("the URL is longer than {} bytes", kMostUrlBytes));
  }
  for (const char c : text) {
    if (c <= ' ' || c > '~') {
      return fail(fmt::format("the URL has a {}",
                              c == ' ' ? "space"
                              : c < 0  ? "character beyond ASCII that is not encoded"
                                       : "control character"));
    }
  }
  if (text.find('\\') != std::string_view::npos) {
    return fail("the URL has a backslash");
  }
  if (text.find('#') != std::string_view::npos) {
    return fail("the URL has a fragment (#), which is never sent");
  }
  for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 1)) {
    if (at + 2 >= text.size() || !is_hex(text[at + 1]) || !is_hex(text[at + 2])) {
      return fail("the URL has a % without two hexadecimal digits");
    }
  }
  return {};
}

Result<void> check_name(std::string_view name) {
  if (!std::all_of(name.begin(), name.end(), is_host_character)) {
    return fail("the URL's host has a character that no host name has");
  }
  if (name.size() > kMostHostBytes || name.front() == '.' || name.back() == '.' ||
      name.find("..") != std::string_view::npos) {
    return fail("the URL's host is not a host name");
  }
  const std::string_view last = name.substr(name.rfind('.') + 1);
  const bool number = std::all_of(last.begin(), last.end(), is_digit) || last.substr(0, 2) == "0x";
  if (number && !parse_ip_spelling(name)) {
    return fail("the URL's host is neither a name nor an address");
  }
  return {};
}

Result<std::uint16_t> parse_port(std::string_view digits) {
  std::uint16_t port = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || read.ec != std::errc() || read.ptr != digits.data() + digits.size() ||
      port == 0) {
    return fail("the URL's port is not a number from 1 to 65535");
  }
  return port;
}

/// "host", "host:port", "[v6]" or "[v6]:port" into `url`.
Result<void> read_authority(std::string_view authority, Url& url) {
  if (authority.find('@') != std::string_view::npos) {
    return fail("the URL has a user name; send credentials in a header");
  }
  std::string_view host = authority;
  std::string_view rest;
  if (!authority.empty() && authority.front() == '[') {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) {
      return fail("the URL's host has a [ without ]");
    }
    host = authority.substr(1, end - 1);
    rest = authority.substr(end + 1);
    if (host.find(':') == std::string_view::npos || !parse_ip_address(host)) {
      return fail("the URL's host is not an IPv6 address");
    }
  } else if (const std::size_t colon = authority.find(':'); colon != std::string_view::npos) {
    host = authority.substr(0, colon);
    rest = authority.substr(colon);
  }
  if (host.empty()) {
    return fail("the URL has no host");
  }
  url.host = lower(host);
  url.port = scheme_port(url.tls);
  if (!rest.empty()) {
    const auto port = rest.front() == ':' ? parse_port(rest.substr(1)) : parse_port("");
    if (!port) {
      return tl::unexpected(port.error());
    }
    url.port = *port;
  }
  return authority.front() == '[' ? Result<void>{} : check_name(url.host);
}

}  // namespace

std::string Url::authority() const {
  return port == scheme_port(tls) ? bracketed(host) : endpoint();
}

std::string Url::endpoint() const {
  return fmt::format("{}:{}", bracketed(host), port);
}

Result<Url> parse_url(std::string_view text) {
  if (auto checked = check_characters(text); !checked) {
    return tl::unexpected(checked.error());
  }
  const std::size_t separator = text.find("://");
  const std::string scheme = lower(text.substr(0, std::min(separator, text.size())));
  if (separator == std::string_view::npos || (scheme != "http" && scheme != "https")) {
    return fail("the URL does not begin with http:// or https://");
  }
  Url url;
  url.tls = scheme == "https";
  const std::string_view rest = text.substr(separator + 3);
  const std::size_t path = std::min(rest.find_first_of("/?"), rest.size());
  if (auto read = read_authority(rest.substr(0, path), url); !read) {
    return tl::unexpected(read.error());
  }
  url.target = rest.substr(path);
  if (url.target.empty() || url.target.front() == '?') {
    url.target.insert(0, 1, '/');
  }
  return url;
}

}  // namespace postlude
