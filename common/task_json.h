#pragma once

#include "common/error.h"
#include "common/task.h"

#include <string>
#include <string_view>

namespace postlude {

/// The one form that definitions have wherever they are kept or handed on (spool records, dead
/// letters): the user's own (contract.md 4.1) with every default made explicit, durations in
/// milliseconds, members that are not set left out, templates unresolved. Compact, on one line.
/// "[" + task_to_json(t) + "]" is a valid POSTLUDE_TASKS document that means t, and
/// task_from_json(task_to_json(t)) is t, as long as the strings of t are UTF-8, its references and
/// variables have unique names, and its JSON texts are compact. JSON texts within it keep the order
/// of their keys and every digit.
[[nodiscard]] std::string task_to_json(const Task& task);

/// The text may come from a damaged record: everything is checked that a reader relies on, and the
/// message names the member. Unknown members are ignored, so that a later version may add some.
[[nodiscard]] Result<Task> task_from_json(std::string_view text);

}  // namespace postlude
