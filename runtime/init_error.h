#pragma once

#include "common/error.h"

#include <string_view>

namespace postlude::runtime {

/// Posts a configuration error as the platform's /init/error, with
/// `Lambda-Runtime-Function-Error-Type: Runtime.PostludeConfigError` (lambda-protocol.md 1.5), and
/// waits for the answer, at most two seconds. Blocking: nothing else runs yet.
[[nodiscard]] Result<void> post_init_error(std::string_view runtime_api, std::string_view body);

}  // namespace postlude::runtime
