#pragma once

#include "common/json_positions.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace postlude {

/// The value as compact JSON text: keys in their order, numbers as they were written, so that no
/// digit of a large one is lost. Parsing and writing it again changes nothing.
[[nodiscard]] std::string write_json(const JsonNode& node);

/// Where in the document the byte `offset` of a string's decoded text stands; of an escape its
/// backslash. At most the end of the text: its closing quote.
[[nodiscard]] TextPosition position_within(const JsonNode& string, std::size_t offset);

/// The first member of that name, or null.
[[nodiscard]] const JsonNode* find_member(const JsonNode& object, std::string_view key);

}  // namespace postlude
