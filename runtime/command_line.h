#pragma once

#include "common/environment.h"
#include "common/error.h"

#include <optional>
#include <string>
#include <vector>

namespace postlude::runtime {

/// What the shim was asked to do.
struct CommandLine {
  enum class Mode { run, version, help, check } mode = Mode::run;
  std::vector<std::string> command;  ///< run: the runtime's program and arguments
  std::string check_source = {};  ///< check: a file, "-" for standard input; empty: as configured
};

/// As AWS_LAMBDA_EXEC_WRAPPER the arguments are the runtime's command. As `bootstrap` of an OS-only
/// runtime there are none, and the command is $LAMBDA_TASK_ROOT/$_HANDLER. The error is a usage
/// text.
[[nodiscard]] Result<CommandLine> parse_command_line(const std::vector<std::string>& arguments,
                                                     const Environment& environment);

/// Of `postlude --help`.
[[nodiscard]] std::string usage();

}  // namespace postlude::runtime
