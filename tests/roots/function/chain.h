#pragma once

#include "common/environment.h"

#include <string>
#include <vector>

namespace postlude::testing {

/// Becomes `command`, with that environment. Returns, with 127, only if it cannot.
[[nodiscard]] int become(const std::vector<std::string>& command, const Environment& environment);

/// A proxy of the Runtime API as other layers have one: a process of its own that relays the bytes
/// of every connection to `upstream` and prints "<name> saw <method> <path>" for each request. One
/// of the name "narrow" hangs up on calls of the Extensions API. Its address.
[[nodiscard]] std::string start_proxy(const std::string& name, const std::string& upstream);

}  // namespace postlude::testing
