#pragma once

#include "tests/emulator/invocation.h"
#include "tests/emulator/options.h"

#include <string>

namespace postlude::emulator {

/// A request with new ids, to be completed by the caller's side.
[[nodiscard]] InvocationRequest new_request(const Options& options,
                                            const std::string& trace_header,
                                            CallerMode mode);

/// arn:aws:lambda:REGION:ACCOUNT:function:NAME and `:QUALIFIER` if one was used.
[[nodiscard]] std::string function_arn(const Options& options, const std::string& qualifier);

/// What a caller may put for the name: name, partial or whole ARN, each with a qualifier behind it.
struct FunctionReference {
  std::string name;
  std::string qualifier;
};
[[nodiscard]] FunctionReference parse_function_reference(const std::string& text);

}  // namespace postlude::emulator
