#pragma once

#include "common/clock.h"
#include "common/environment.h"
#include "common/log.h"
#include "common/platform_facts.h"
#include "common/task.h"
#include "runtime/problems.h"
#include "runtime/response_mode.h"

#include <tl/expected.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace postlude::runtime {

/// Whether there is anything for us to do; everything but `serve` means: execute the runtime's
/// command as if Postlude were not there (contract.md 2).
enum class StartMode {
  serve,
  disabled,        ///< POSTLUDE_DISABLED=1; silent
  no_runtime_api,  ///< no AWS_LAMBDA_RUNTIME_API: not on Lambda; one warning
  nested,          ///< POSTLUDE_API is set: already under a shim; one warning
};

/// Decided before anything else is read, so that a bad setting never stops a disabled Postlude.
[[nodiscard]] StartMode start_mode(const Environment& environment);

/// Everything the shim was told, complete and valid.
struct Config {
  // From the platform.
  std::string runtime_api;      ///< host:port; empty only where start_mode() is no_runtime_api
  std::string task_root;        ///< LAMBDA_TASK_ROOT; empty if unset
  std::string handler;          ///< _HANDLER; empty if unset
  std::string function_name;    ///< AWS_LAMBDA_FUNCTION_NAME; empty if unset
  std::string log_stream_name;  ///< AWS_LAMBDA_LOG_STREAM_NAME; empty if unset
  InvocationOrder invocation_order = InvocationOrder::one_by_one;

  // Settings (contract.md 3); their defaults stand in settings.cpp.
  std::vector<Task> tasks;  ///< each with `dead_letter` where it has none of its own
  int concurrency = 0;
  /// As set, kLeastDeadlineMargin at least: use deadline_margin() below.
  Millis deadline_margin = Millis::zero();
  std::optional<Millis> hold_limit;        ///< of an environment, from the end of the answer
  std::optional<std::string> dead_letter;  ///< ARN; of tasks that a function defers, too
  std::string spool_dir;                   ///< absolute
  std::uint64_t spool_limit = 0;           ///< bytes
  ResponseMode response_mode = ResponseMode::passthrough;
  std::optional<std::string> exec_wrapper;
  LogLevel log_level = LogLevel::info;
  bool metrics = false;  ///< POSTLUDE_METRICS=emf

  /// Variables that look like misspelt settings; to be logged, they stop nothing.
  std::vector<std::string> warnings;
};

/// Reads the settings and, where there is one, the tasks file. Otherwise pure. Problems of settings
/// are "VARIABLE: message", those of tasks "SOURCE:LINE:COLUMN: message"; all are reported.
[[nodiscard]] tl::expected<Config, Problems> load_config(const Environment& environment);

/// Ending processes, writing a receipt and releasing the environment take a few milliseconds, and a
/// small function shares its processor: with a shorter margin its own tasks could time it out.
inline constexpr Millis kLeastDeadlineMargin{100};

/// How long before its deadline deferred work of an invocation stops: as configured, but at most
/// 20 % of `invocation_time` (from the event's arrival to its deadline).
[[nodiscard]] Millis deadline_margin(const Config& config, Millis invocation_time);

}  // namespace postlude::runtime
