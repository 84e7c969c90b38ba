#pragma once

#include "common/http_head.h"
#include "runtime/hold.h"

#include <string>
#include <string_view>

namespace postlude::runtime {

/// What a call of function code to our own routes (contract.md 5) is answered with.
struct LocalAnswer {
  std::string message;          ///< whole; without its body where the method is HEAD
  bool wants_continue = false;  ///< the caller waits for "100 Continue" before it sends its body
  bool closes = false;          ///< the caller expects the end of the connection behind it
};

/// Pure. Today GET /postlude/v1/health; everything else is 404 with an error that says so.
[[nodiscard]] LocalAnswer answer_function_call(const HttpHead& request, ExtensionState extension);

}  // namespace postlude::runtime
