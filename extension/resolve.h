#pragma once

#include "common/ip_address.h"
#include "extension/http_failure.h"

#include <tl/expected.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace postlude::extension {

/// No look-up takes longer, also where no name server answers: three servers are asked for a second
/// each, and fewer are asked again.
inline constexpr std::chrono::seconds kMostNameServerTime{3};

using Addresses = tl::expected<std::vector<IpAddress>, HttpFailure>;
/// The addresses of a host, the best first, never none. Tests put their own in place of resolve().
using Resolver = std::function<Addresses(const std::string& host)>;

/// By /etc/hosts and DNS alone, whatever nsswitch.conf says: in a static program other sources
/// would need the host's libraries. Blocks the calling thread; for any number of threads at once.
/// An address in any spelling is itself. Names with a dot are absolute: no search domain is added.
[[nodiscard]] Addresses resolve(const std::string& host);

}  // namespace postlude::extension
