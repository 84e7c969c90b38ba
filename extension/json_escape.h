#pragma once

#include <string>
#include <string_view>

namespace postlude::extension {

/// A JSON string with its quotes. Invalid UTF-8 becomes U+FFFD, control characters escapes.
[[nodiscard]] std::string json_string(std::string_view text);

/// Valid JSON without the white space between its tokens.
[[nodiscard]] std::string compact_json(std::string_view json);

/// Valid JSON as text inside a larger string: a string is its content, everything else its compact
/// JSON.
[[nodiscard]] std::string json_as_text(std::string_view json);

}  // namespace postlude::extension
