#include "extension/resolve.h"

#include <fmt/format.h>

#include <netdb.h>
#include <netinet/in.h>
#include <nss.h>
#include <resolv.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>

namespace postlude::extension {
namespace {

constexpr std::size_t kFewServers = 1;

/// Each thread has a resolver state of its own; glibc keeps to one that was changed.
void bound_name_server_time() {
  thread_local bool done = false;
  if (done) {
    return;
  }
  static std::once_flag sources;
  std::call_once(sources,
                 [] { static_cast<void>(::__nss_configure_lookup("hosts", "files dns")); });
  if (::res_init() != 0) {
    return;
  }
  // glibc waits `retrans` seconds for the first server and, rounded up, one for each other one.
  _res.retrans = 1;
  _res.retry = static_cast<std::size_t>(_res.nscount) <= kFewServers ? 2 : 1;
  // Each search domain would wait as long again.
  _res.options &= ~static_cast<unsigned long>(RES_DNSRCH);
  done = true;
}

std::optional<IpAddress> address_of(const addrinfo& found) {
  IpAddress result;
  if (found.ai_family == AF_INET) {
    sockaddr_in from = {};
    std::memcpy(&from, found.ai_addr, sizeof from);
    std::memcpy(result.bytes.data(), &from.sin_addr, sizeof from.sin_addr);
    return result;
  }
  if (found.ai_family == AF_INET6) {
    sockaddr_in6 from = {};
    std::memcpy(&from, found.ai_addr, sizeof from);
    result.family = IpAddress::Family::v6;
    std::memcpy(result.bytes.data(), &from.sin6_addr, sizeof from.sin6_addr);
    // Through text, so that a mapped address is the IPv4 address that it means.
    return parse_ip_address(result.text());
  }
  return std::nullopt;
}

std::string explain(const std::string& host, int error) {
  switch (error) {
    case EAI_NONAME:
    case EAI_NODATA:
      return fmt::format("{}: the name does not exist", host);
    case EAI_AGAIN:
      return fmt::format("{}: the name server did not answer", host);
    case EAI_FAIL:
      return fmt::format("{}: the name server could not answer", host);
    default:
      return fmt::format("{}: the name cannot be looked up: {}", host, ::gai_strerror(error));
  }
}

}  // namespace

Addresses resolve(const std::string& host) {
  if (const auto literal = parse_ip_spelling(host)) {
    return std::vector<IpAddress>{*literal};
  }
  bound_name_server_time();
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* first = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &first);
  if (error != 0) {
    return tl::unexpected(HttpFailure{HttpFailure::Kind::unreachable, explain(host, error)});
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(first, &::freeaddrinfo);
  std::vector<IpAddress> result;
  for (const addrinfo* found = first; found != nullptr; found = found->ai_next) {
    const auto address = address_of(*found);
    if (address && std::find(result.begin(), result.end(), *address) == result.end()) {
      result.push_back(*address);
    }
  }
  if (result.empty()) {
    return tl::unexpected(HttpFailure{HttpFailure::Kind::unreachable, explain(host, EAI_NONAME)});
  }
  return result;
}

}  // namespace postlude::extension
