#pragma once

#include "common/error.h"
#include "common/json_positions.h"
#include "common/task.h"

#include <string>

namespace postlude {

/// The value of the action's key in a task: the user's own form, with every default made explicit.
/// JSON texts within it are as they stand.
[[nodiscard]] std::string action_to_json(const Action& action);

/// The value of the key kActionKeys[index]. It may come from a damaged record: everything is
/// checked, and the message names the member.
[[nodiscard]] Result<Action> action_from_json(std::size_t index, const JsonNode& value);

}  // namespace postlude
