#pragma once

#include "common/messages.h"

#include <optional>
#include <string_view>

namespace postlude {

/// A `closed` without late error, or a `settled`, as encode() writes it: what every invocation
/// sends. Nothing for any other text, which is for a JSON parser to judge.
[[nodiscard]] std::optional<Message> read_written(std::string_view packet);

}  // namespace postlude
