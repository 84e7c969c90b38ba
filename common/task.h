#pragma once

#include "common/clock.h"

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace postlude {

enum class Trigger {
  invocation,  ///< after every matching answer
  demand,      ///< only when the function defers it
};

/// Which outcome of the answer a task waits for.
enum class When { success, failure, always };

/// Runs a program, without a shell.
struct CommandAction {
  /// argv[0] with a slash is relative to LAMBDA_TASK_ROOT, without one it is looked up in PATH.
  std::vector<std::string> argv;
  std::vector<std::pair<std::string, std::string>> env;
  std::optional<std::string> cwd;
};

using Action = std::variant<CommandAction>;

/// One entry of POSTLUDE_TASKS, valid once constructed by the configuration (contract.md 4.1).
struct Task {
  std::string name;
  Trigger trigger = Trigger::invocation;
  When when = When::success;
  Millis timeout = std::chrono::seconds(30);  ///< of one attempt
  int attempts = 1;
  Millis backoff = Millis(200);
  bool replay = true;
  Action action;
};

}  // namespace postlude
