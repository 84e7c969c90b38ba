#pragma once

#include "common/error.h"

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace postlude {

/// Deeper documents are refused: dump and comparison of a tree recurse, and 256 levels are more
/// than any message of ours has.
inline constexpr std::size_t kMaxJsonDepth = 256;

/// One JSON value with nothing but white space around it. Numbers too large for a double, bad
/// UTF-8, lone surrogates and NUL bytes are errors; of duplicate keys the last wins. The message
/// names the offset in bytes ("offset 12: ...") and never repeats the text. Throws nothing.
[[nodiscard]] Result<nlohmann::json> parse_json(std::string_view text);

/// The same without a value, for texts that are to stay as they are.
[[nodiscard]] Result<void> check_json(std::string_view text);

/// The part of the library's exception text that says what is wrong in words, without repeating
/// what was read.
[[nodiscard]] std::string json_error_reason(std::string_view exception_text);

/// Compact, on one line. Invalid UTF-8 becomes U+FFFD. Throws nothing.
[[nodiscard]] std::string dump_json(const nlohmann::json& value);

/// Adds a JSON string of that text, with its quotes, as dump_json would. Throws nothing.
void append_json_string(std::string& out, std::string_view text);

}  // namespace postlude
