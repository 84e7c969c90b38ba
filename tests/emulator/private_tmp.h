#pragma once

#include "common/error.h"

#include <string>
#include <vector>

namespace postlude::emulator {

/// Gives this process and its later children a /tmp of their own: a mount namespace (and a user
/// namespace where this user is not root) with folder `arguments[0]` bound there. Those of the
/// other folders that lie below /tmp stay reachable under their path, read-only. Single-threaded
/// callers only. An error says what is not permitted.
[[nodiscard]] Result<void> enter_private_tmp(const std::vector<std::string>& arguments);

}  // namespace postlude::emulator
