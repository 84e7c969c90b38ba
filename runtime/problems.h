#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace postlude::runtime {

/// What is wrong with the configuration: all of it, one line each, ready to be shown.
using Problems = std::vector<std::string>;

/// Body of the /init/error post: errorType "Postlude.ConfigError", the problems as the lines of
/// errorMessage, an empty stackTrace (contract.md 3).
[[nodiscard]] std::string config_error_body(const Problems& problems);

/// A user's value for a message: in double quotes, control characters and quotes escaped, bad UTF-8
/// replaced, cut where it is long.
[[nodiscard]] std::string in_quotes(std::string_view value);

}  // namespace postlude::runtime
