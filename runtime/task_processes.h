#pragma once

#include <string>
#include <vector>

namespace postlude::runtime {

/// Ends every process that was started for one of these tasks, wherever it went. For the tasks of
/// an extension that died: their leaders die with it, but what they started does not.
void kill_processes_of(const std::vector<std::string>& task_ids);

}  // namespace postlude::runtime
