#pragma once

#include <string_view>

namespace postlude::extension {

/// Well-formed UTF-8 without NUL bytes: what a JSON string can stand for and a person can read.
[[nodiscard]] bool is_utf8_text(std::string_view text);

/// Without the beginning of a character at the end, for a text that was cut at some byte.
[[nodiscard]] std::string_view without_cut_character(std::string_view text);

}  // namespace postlude::extension
