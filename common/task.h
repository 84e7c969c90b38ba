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
enum class When {
  success,
  failure,
  always,
  timeout,  ///< none yet, shortly before the deadline
};

/// One condition of `match`: the value of a reference ("request.path", without ${ }) is one of
/// these JSON scalars; strings are globs.
struct Condition {
  std::string reference;
  std::vector<std::string> any_of;  ///< JSON texts
};

/// Runs a program, without a shell.
struct CommandAction {
  /// argv[0] with a slash is relative to LAMBDA_TASK_ROOT, without one it is looked up in PATH.
  std::vector<std::string> argv;
  std::vector<std::pair<std::string, std::string>> env;
  std::optional<std::string> cwd;
};

/// One HTTP request.
struct HttpAction {
  std::string method = "POST";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<std::string> json;  ///< JSON text; excludes `body`
  std::optional<std::string> body;
  /// Globs of host names, addresses and CIDR ranges; where the host comes from a template.
  std::vector<std::string> allow_hosts;
};

/// One message to an AWS service, or an object under an S3 prefix.
struct SendAction {
  std::string to;                   ///< ARN
  std::optional<std::string> body;  ///< JSON text; nothing: the task document
};

/// One call of an AWS service: by JSON protocol (`operation`), or REST (`method` and `path`).
struct AwsAction {
  std::string service;
  std::string operation;
  // Where the service is none of those we know; empty: its own.
  std::string target;  ///< X-Amz-Target up to the dot before the operation
  std::string json_version;
  std::string signing_name;
  std::string method;
  std::string path;
  std::string input = "{}";  ///< JSON text
};

/// The function's own handler, called again.
struct HandlerAction {
  std::optional<std::string> event;  ///< JSON text; nothing: {"postlude": <task document>}
};

/// Strings of an action, those within its JSON texts too, may hold ${references} (template.h).
using Action = std::variant<CommandAction, HttpAction, SendAction, AwsAction, HandlerAction>;

/// One entry of POSTLUDE_TASKS, valid once constructed by the configuration (contract.md 4.1).
struct Task {
  std::string name;
  Trigger trigger = Trigger::invocation;
  When when = When::success;
  Millis timeout = std::chrono::seconds(30);  ///< of one attempt
  int attempts = 1;
  Millis backoff = Millis(200);
  bool replay = true;
  std::vector<Condition> match;            ///< all must hold
  std::optional<std::string> dead_letter;  ///< ARN
  Action action;
};

}  // namespace postlude
