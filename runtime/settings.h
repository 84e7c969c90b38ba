#pragma once

#include "runtime/config.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace postlude::runtime {

/// What is wrong with a value, without the variable's name; nothing if it was taken.
using SettingProblem = std::optional<std::string>;

/// One variable of contract.md section 3. The table is the only place that knows the defaults; a
/// default is read like a value that was set.
struct Setting {
  std::string_view name;
  std::string_view fallback = {};           ///< empty: none
  std::string_view platform_variable = {};  ///< consulted before the fallback; its bad values are
                                            ///< the platform's business and count as unset
  std::string_view meaning = {};            ///< one line for --help
  /// Null for POSTLUDE_TASKS, which task_source.h reads.
  SettingProblem (*read)(std::string_view value, Config& config) = nullptr;
};

/// In the contract's order.
[[nodiscard]] std::span<const Setting> settings();

/// The lines of --help about variables, each ending in a line feed.
[[nodiscard]] std::string settings_help();

}  // namespace postlude::runtime
