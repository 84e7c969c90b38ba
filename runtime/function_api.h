#pragma once

#include "runtime/hold.h"

#include <string>
#include <string_view>

namespace postlude::runtime {

/// Answers a call of function code to our own routes (contract.md 5): a whole HTTP message. Pure.
/// Today GET /postlude/v1/health; everything else is 404 with an error that says so.
[[nodiscard]] std::string answer_function_call(std::string_view method,
                                               std::string_view target,
                                               ExtensionState extension);

}  // namespace postlude::runtime
