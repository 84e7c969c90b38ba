#pragma once

#include "common/error.h"

#include <string>
#include <string_view>
#include <vector>

namespace postlude {

/// A member of a JSON object as the text has it.
struct JsonSlice {
  std::string key;         ///< decoded
  std::string_view value;  ///< from its first to its last byte, into the text
};

/// The members of the object that `text` is, in their order and with those that come twice. The
/// whole text is checked as parse_json does, but no tree is made of it: a value of megabytes stays
/// where it is. Throws nothing.
[[nodiscard]] Result<std::vector<JsonSlice>> slice_object(std::string_view text);

}  // namespace postlude
