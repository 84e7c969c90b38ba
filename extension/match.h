#pragma once

#include "common/task.h"
#include "extension/template_sources.h"

#include <string_view>
#include <vector>

namespace postlude::extension {

/// All conditions hold (contract.md 4.1). A reference that is missing, larger than 1 MiB or cannot
/// be read does not match. Numbers, booleans and null match what is equal as JSON (1 is 1.0, not
/// "1"); strings are globs over the text of strings, numbers and booleans ("20*" matches 200);
/// objects and arrays never match. One pass over the event for all of them, a second one if the
/// request's body is asked for.
[[nodiscard]] bool matches(const std::vector<Condition>& conditions,
                           const TemplateSources& sources);

/// `*` stands for any bytes, none as well; everything else for itself. In linear time. Pure.
[[nodiscard]] bool glob_matches(std::string_view pattern, std::string_view text);

}  // namespace postlude::extension
