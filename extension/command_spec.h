#pragma once

#include "common/child_process.h"
#include "common/spool_format.h"

#include <string>

namespace postlude::extension {

struct CommandContext {
  const TaskRecord& record;
  int attempt = 1;  ///< from 1
  EpochTime work_deadline;
  const Environment& environment;  ///< of the function
  const std::string& task_root;
};

/// Program, arguments, environment and working directory of one attempt of a command task
/// (contract.md 4.1). Looks for the program on disk; the error says what to do about it. The three
/// standard descriptors are left to the caller.
[[nodiscard]] Result<ChildSpec> command_spec(const CommandAction& action,
                                             const CommandContext& context);

/// Why a program that is there could not be started.
[[nodiscard]] std::string explain_start_failure(const ChildSpec& spec, const Error& error);

}  // namespace postlude::extension
