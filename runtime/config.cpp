#include "runtime/config.h"

#include "common/near_miss.h"
#include "runtime/settings.h"
#include "runtime/task_config.h"
#include "runtime/task_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace postlude::runtime {
namespace {

constexpr std::string_view kPrefix = "POSTLUDE_";
/// Set for the runtime by the shim itself.
constexpr std::string_view kApiVariable = "POSTLUDE_API";

void read_tasks(const Environment& environment, Config& config, Problems& problems) {
  auto source = find_task_source(environment);
  if (!source) {
    problems.push_back(std::move(source.error().message));
    return;
  }
  if (!*source) {
    return;
  }
  auto tasks = parse_tasks((*source)->name, (*source)->text);
  if (tasks) {
    config.tasks = std::move(*tasks);
  } else {
    problems.insert(problems.end(), tasks.error().begin(), tasks.error().end());
  }
}

void read_setting(const Setting& setting,
                  const Environment& environment,
                  Config& config,
                  Problems& problems) {
  if (setting.read == nullptr) {
    return;
  }
  auto value = environment.find(setting.name);
  if (!value && !setting.platform_variable.empty()) {
    const auto platform_value = environment.find(setting.platform_variable);
    if (platform_value && !setting.read(*platform_value, config)) {
      return;
    }
  }
  if (!value && setting.fallback.empty()) {
    return;
  }
  if (auto problem = setting.read(value.value_or(setting.fallback), config)) {
    problems.push_back(fmt::format("{}: {}", setting.name, *problem));
  }
}

std::vector<std::string> warn_of_misspelt(const Environment& environment) {
  std::vector<std::string_view> known;
  for (const Setting& setting : settings()) {
    known.push_back(setting.name.substr(kPrefix.size()));
  }
  std::vector<std::string> warnings;
  for (const auto& [name, value] : environment.variables()) {
    if (!name.starts_with(kPrefix) || name == kApiVariable) {
      continue;
    }
    const std::string_view word = std::string_view(name).substr(kPrefix.size());
    if (std::find(known.begin(), known.end(), word) != known.end()) {
      continue;
    }
    if (const auto guess = near_miss(word, known)) {
      warnings.push_back(
          fmt::format("{} is not a setting, did you mean {}{}?", in_quotes(name), kPrefix, *guess));
    }
  }
  return warnings;
}

}  // namespace

StartMode start_mode(const Environment& environment) {
  if (environment.get_or("POSTLUDE_DISABLED", {}) == "1") {
    return StartMode::disabled;
  }
  if (environment.find(kApiVariable)) {
    return StartMode::nested;
  }
  if (environment.get_or("AWS_LAMBDA_RUNTIME_API", {}).empty()) {
    return StartMode::no_runtime_api;
  }
  return StartMode::serve;
}

tl::expected<Config, Problems> load_config(const Environment& environment) {
  Config config;
  config.runtime_api = environment.get_or("AWS_LAMBDA_RUNTIME_API", {});
  config.task_root = environment.get_or("LAMBDA_TASK_ROOT", {});
  config.handler = environment.get_or("_HANDLER", {});
  config.invocation_order = invocation_order(environment);
  config.function_name = environment.get_or("AWS_LAMBDA_FUNCTION_NAME", {});
  config.log_stream_name = environment.get_or("AWS_LAMBDA_LOG_STREAM_NAME", {});

  Problems problems;
  read_tasks(environment, config, problems);
  for (const Setting& setting : settings()) {
    read_setting(setting, environment, config, problems);
  }
  if (!problems.empty()) {
    return tl::unexpected<Problems>(std::move(problems));
  }
  for (Task& task : config.tasks) {
    if (!task.dead_letter) {
      task.dead_letter = config.dead_letter;
    }
  }
  config.warnings = warn_of_misspelt(environment);
  if (config.deadline_margin < kLeastDeadlineMargin) {
    config.warnings.push_back(fmt::format(
        "POSTLUDE_DEADLINE_MARGIN: {}ms are too short to end deferred work in, it is {}ms",
        config.deadline_margin.count(),
        kLeastDeadlineMargin.count()));
    config.deadline_margin = kLeastDeadlineMargin;
  }
  return config;
}

Millis deadline_margin(const Config& config, Millis invocation_time) {
  constexpr int kLargestShare = 5;  // 20 %
  return std::min(config.deadline_margin,
                  std::max(invocation_time, Millis::zero()) / kLargestShare);
}

}  // namespace postlude::runtime
