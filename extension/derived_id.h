#pragma once

#include "common/error.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace postlude::extension {

/// What a service allows in a name of its own.
struct IdRules {
  std::size_t most_bytes = 0;    ///< at least 40
  std::string_view punctuation;  ///< allowed beside letters and digits
};

/// The task id itself where the rules allow it. Otherwise what they do not allow becomes '-', too
/// long ids are cut, and 128 bits of the id's SHA-256 keep different ids different. Pure.
[[nodiscard]] Result<std::string> derived_id(std::string_view task_id, const IdRules& rules);

}  // namespace postlude::extension
