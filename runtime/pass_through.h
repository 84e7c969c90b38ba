#pragma once

#include "common/environment.h"
#include "common/error.h"
#include "runtime/command_line.h"
#include "runtime/config.h"
#include "runtime/problems.h"

#include <string>
#include <string_view>
#include <vector>

namespace postlude::runtime {

/// The ends of main() that are not serving. Each returns the exit status; the ones that execute the
/// runtime's command return only if that fails.

/// As if Postlude were not there, with a warning where the mode asks for one (contract.md 2).
[[nodiscard]] int pass_through(StartMode mode,
                               const std::vector<std::string>& command,
                               const Environment& environment);

/// The same because we cannot do our work (contract.md 8: fail-open).
[[nodiscard]] int run_without_us(const std::vector<std::string>& command,
                                 const Environment& environment,
                                 std::string_view reason);

/// Logs each problem and posts /init/error (contract.md 3).
[[nodiscard]] int refuse_to_serve(const Environment& environment, const Problems& problems);

/// --version, --help, --check.
[[nodiscard]] int answer(const CommandLine& line, const Environment& environment);

[[nodiscard]] int usage_error(const Error& error);
[[nodiscard]] int cannot_start(const Error& error);

/// The runtime's command behind POSTLUDE_EXEC_WRAPPER, if there is one.
[[nodiscard]] std::vector<std::string> wrapped(std::vector<std::string> command,
                                               const Config& config);

}  // namespace postlude::runtime
