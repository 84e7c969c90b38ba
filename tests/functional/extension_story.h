#pragma once

#include "tests/fakes/temp_dir.h"
#include "tests/functional/function_story.h"

#include <sys/types.h>

#include <string>

namespace postlude::testing {

/// A copy of the built layer whose extension is `script` (empty: missing).
[[nodiscard]] std::string layer_with_extension(const TempDir& folder, const std::string& script);

/// The extension's process in the first environment; throws unless there is exactly one.
[[nodiscard]] pid_t extension_of(const LocalLambda& lambda);
/// Once it is another one than `before`.
[[nodiscard]] pid_t successor_of(const LocalLambda& lambda, pid_t before);
/// Sends SIGKILL; the process that it was.
pid_t kill_extension(const LocalLambda& lambda);
/// As a process that hangs: SIGSTOP, and it is stopped when this returns.
pid_t stop_extension(const LocalLambda& lambda);

/// Answered, and its environment released, long before the timeout of 30 s.
void check_prompt(LocalLambda& lambda, const InvokeResult& result);

/// The extension's poll was parked once in the init and once in each invocation, whoever did it,
/// and none was refused. After the last of them has ended.
void check_polls(const LocalLambda& lambda, std::size_t invocations);

/// The one task of that name ended `dropped`, since there was no extension.
void check_dropped(const nlohmann::json& receipt, std::string_view name);
/// It was done, in `attempts` attempts; a receipt says it once.
void check_done(const nlohmann::json& receipt, std::string_view name, int attempts = 1);

}  // namespace postlude::testing
