#pragma once

#include "extension/template_sources.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace postlude::extension {

/// JSON for the place of a string; nothing: the string stays as it is.
using StringReplacement = tl::expected<std::optional<std::string>, TemplateFailure>;

/// Puts other JSON in the place of strings of a JSON text, which stays as it is everywhere else:
/// order of keys, numbers as written, white space. Keys are no strings here. `replace` gets each
/// decoded string. Fails where the text is no JSON (the message begins with `place`), or `replace`
/// does. Pure.
[[nodiscard]] tl::expected<std::string, TemplateFailure> replace_json_strings(
    const std::string& place,
    std::string_view json,
    const std::function<StringReplacement(const std::string&)>& replace);

}  // namespace postlude::extension
