#pragma once

#include "common/error.h"
#include "common/task.h"

#include <nlohmann/json_fwd.hpp>

namespace postlude {

/// The form tasks have in messages and spool records (not the one users write): every member is
/// present, durations are whole milliseconds, the order of environment variables is kept.
/// task_from_json(task_to_json(t)) is t, as long as its strings are UTF-8.
[[nodiscard]] nlohmann::json task_to_json(const Task& task);

/// The value may come from a damaged record: everything is checked, and the message names the
/// member. Unknown members are ignored, so that a later version may add some.
[[nodiscard]] Result<Task> task_from_json(const nlohmann::json& value);

}  // namespace postlude
