#pragma once

#include <string>
#include <string_view>

namespace postlude::extension {

/// A JSON text with `\ufffd` in place of every escape that is half a surrogate pair. RFC 8259 lets
/// them stand (8.2), JavaScript and Python write them where a caller's text has them, and our
/// parser takes them for no JSON: nobody is to hide a whole document from us with six characters.
/// Nothing else changes, nor does the length.
[[nodiscard]] std::string without_lone_surrogates(std::string_view json);

}  // namespace postlude::extension
