#include "runtime/task_processes.h"

#include "common/process_tree.h"

#include <algorithm>
#include <csignal>
#include <set>

namespace postlude::runtime {
namespace {

/// A round catches what was started while the one before looked; what is killed starts nothing any
/// more. A fork bomb must not hold us for ever.
constexpr int kMostRounds = 8;

}  // namespace

void kill_processes_of(const std::vector<std::string>& task_ids) {
  if (task_ids.empty()) {
    return;
  }
  std::set<pid_t> killed;
  bool found = true;
  for (int round = 0; found && round < kMostRounds; ++round) {
    found = false;
    for (const pid_t process : all_processes()) {
      const auto task_id = initial_variable(process, "POSTLUDE_TASK_ID");
      if (task_id && std::find(task_ids.begin(), task_ids.end(), *task_id) != task_ids.end()) {
        ::kill(process, SIGKILL);
        found = killed.insert(process).second || found;
      }
    }
  }
}

}  // namespace postlude::runtime
