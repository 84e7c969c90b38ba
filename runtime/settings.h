#pragma once

#include "runtime/config.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace postlude::runtime {

/// What is wrong with a value, without the variable's name; nothing if it was taken.
using SettingProblem = std::optional<std::string>;

/// One variable of contract.md section 3. The table is the only place that knows the names and the
/// defaults; a default is read like a value that was set.
struct Setting {
  std::string_view name;
  std::string_view fallback;  ///< empty: none
  std::string_view meaning;   ///< one line for --help
  SettingProblem (*read)(std::string_view value, Config& config);
};

/// In the contract's order. POSTLUDE_TASKS is in it by name; its reading is task_source.h's.
[[nodiscard]] std::span<const Setting> settings();

/// The lines of --help about variables, each ending in a line feed.
[[nodiscard]] std::string settings_help();

}  // namespace postlude::runtime
