#include "runtime/settings.h"

#include "common/arn.h"
#include "common/durations.h"
#include "common/http_head.h"
#include "common/near_miss.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace postlude::runtime {
namespace {

constexpr int kMaxConcurrency = 64;

std::string is_not(std::string_view value, std::string_view expected) {
  return fmt::format("{} is not {}", in_quotes(value), expected);
}

SettingProblem read_concurrency(std::string_view value, Config& config) {
  int number = 0;
  const char* const end = value.data() + value.size();
  const auto [stopped, error] = std::from_chars(value.data(), end, number);
  if (error != std::errc() || stopped != end || number < 1 || number > kMaxConcurrency) {
    return is_not(value, fmt::format("a whole number from 1 to {}", kMaxConcurrency));
  }
  config.concurrency = number;
  return std::nullopt;
}

std::optional<Millis> duration_of(std::string_view value, SettingProblem& problem) {
  const auto duration = parse_duration(value);
  if (!duration) {
    problem = is_not(value, "a duration from 1ms to 15m such as 500ms");
  }
  return duration;
}

SettingProblem read_deadline_margin(std::string_view value, Config& config) {
  SettingProblem problem;
  config.deadline_margin = duration_of(value, problem).value_or(Millis::zero());
  return problem;
}

SettingProblem read_hold_limit(std::string_view value, Config& config) {
  SettingProblem problem;
  config.hold_limit = duration_of(value, problem);
  return problem;
}

SettingProblem read_dead_letter(std::string_view value, Config& config) {
  const auto target = parse_target_arn(value);
  if (!target) {
    return fmt::format("{}: {}", in_quotes(value), target.error().message);
  }
  config.dead_letter = value;
  return std::nullopt;
}

SettingProblem read_spool_dir(std::string_view value, Config& config) {
  if (!value.starts_with('/')) {
    return is_not(value, "an absolute path");
  }
  config.spool_dir = value;
  return std::nullopt;
}

SettingProblem read_spool_limit(std::string_view value, Config& config) {
  const auto bytes = parse_size(value);
  if (!bytes) {
    return is_not(value, "a size such as 64MiB");
  }
  config.spool_limit = *bytes;
  return std::nullopt;
}

SettingProblem read_response_mode(std::string_view value, Config& config) {
  constexpr std::array<std::string_view, 2> kModes{"passthrough", "stream"};
  if (value != kModes[0] && value != kModes[1]) {
    std::string problem = is_not(value, "passthrough or stream");
    if (const auto guess = near_miss(value, kModes)) {
      problem += fmt::format(", did you mean {}?", in_quotes(*guess));
    }
    return problem;
  }
  config.response_mode = value == kModes[0] ? ResponseMode::passthrough : ResponseMode::stream;
  return std::nullopt;
}

SettingProblem read_exec_wrapper(std::string_view value, Config& config) {
  if (value.empty()) {
    return is_not(value, "a program");
  }
  config.exec_wrapper = value;
  return std::nullopt;
}

SettingProblem read_log_level(std::string_view value, Config& config) {
  struct Name {
    std::string_view name;
    LogLevel level;
  };
  // Lambda's own six, on our four.
  constexpr std::array<Name, 6> kNames{{{"TRACE", LogLevel::debug},
                                        {"DEBUG", LogLevel::debug},
                                        {"INFO", LogLevel::info},
                                        {"WARN", LogLevel::warn},
                                        {"ERROR", LogLevel::error},
                                        {"FATAL", LogLevel::error}}};
  for (const Name& entry : kNames) {
    if (equal_ignoring_case(entry.name, value)) {
      config.log_level = entry.level;
      return std::nullopt;
    }
  }
  return is_not(value, "one of TRACE, DEBUG, INFO, WARN, ERROR, FATAL");
}

SettingProblem read_metrics(std::string_view value, Config& config) {
  if (value != "off" && value != "emf") {
    return is_not(value, "off or emf");
  }
  config.metrics = value == "emf";
  return std::nullopt;
}

SettingProblem read_disabled(std::string_view value, Config& /*config*/) {
  if (value.empty() || value == "0" || value == "1") {
    return std::nullopt;
  }
  return is_not(value, "1 (unset it to enable Postlude)");
}

constexpr std::array<Setting, 12> kSettings{{
    {.name = "POSTLUDE_TASKS",
     .meaning = "tasks as JSON, or a file path (default: postlude.json in LAMBDA_TASK_ROOT)"},
    {.name = "POSTLUDE_CONCURRENCY",
     .fallback = "4",
     .meaning = "tasks running at once (1 to 64)",
     .read = read_concurrency},
    {.name = "POSTLUDE_DEADLINE_MARGIN",
     .fallback = "500ms",
     .meaning = "deferred work stops this long before the invocation's deadline",
     .read = read_deadline_margin},
    {.name = "POSTLUDE_HOLD_LIMIT",
     .meaning = "longest time an environment is kept for tasks after the answer",
     .read = read_hold_limit},
    {.name = "POSTLUDE_DEAD_LETTER",
     .meaning = "ARN that takes work which cannot be finished here",
     .read = read_dead_letter},
    {.name = "POSTLUDE_SPOOL_DIR",
     .fallback = "/tmp/postlude",
     .meaning = "folder of the journal of accepted work",
     .read = read_spool_dir},
    {.name = "POSTLUDE_SPOOL_LIMIT",
     .fallback = "64MiB",
     .meaning = "most that the journal may hold",
     .read = read_spool_limit},
    {.name = "POSTLUDE_RESPONSE_MODE",
     .fallback = "passthrough",
     .meaning = "passthrough; stream: buffered results are streamed to the caller",
     .read = read_response_mode},
    {.name = "POSTLUDE_EXEC_WRAPPER",
     .meaning = "another wrapper to start with the runtime's command",
     .read = read_exec_wrapper},
    {.name = "POSTLUDE_LOG_LEVEL",
     .fallback = "INFO",
     .platform_variable = "AWS_LAMBDA_LOG_LEVEL",
     .meaning = "TRACE, DEBUG, INFO, WARN, ERROR or FATAL",
     .read = read_log_level},
    {.name = "POSTLUDE_METRICS",
     .fallback = "off",
     .meaning = "off; emf: CloudWatch embedded metrics in the log, namespace Postlude",
     .read = read_metrics},
    {.name = "POSTLUDE_DISABLED",
     .fallback = "0",
     .meaning = "1: only execute the runtime",
     .read = read_disabled},
}};

}  // namespace

std::span<const Setting> settings() {
  return kSettings;
}

std::string settings_help() {
  std::string lines;
  for (const Setting& setting : kSettings) {
    lines += fmt::format("  {:<26}{}", setting.name, setting.meaning);
    if (!setting.fallback.empty()) {
      lines += fmt::format(" [{}]", setting.fallback);
    }
    lines.push_back('\n');
  }
  return lines;
}

}  // namespace postlude::runtime
