#pragma once

#include "common/clock.h"

#include <sys/types.h>

#include <map>
#include <set>
#include <string>

namespace postlude::extension {

/// The processes that commands leave behind. This process is their subreaper, so whatever outlives
/// its parent becomes our child; which task it came from says POSTLUDE_TASK_ID in its environment.
/// One thread.
class Descendants {
 public:
  /// Makes this process the subreaper of all it starts.
  static void adopt_orphans();

  void task_started(pid_t leader, std::string task_id);

  /// Kills the group of the leader, and every descendant that left the group. A descendant that
  /// also threw away its environment is ended as soon as no task runs. The leader is reaped here
  /// and must not have been before: its process id would be free for others.
  void task_ended(pid_t leader);

  /// Waits for adopted children that have ended, and ends those that belong to no running task.
  /// Call on SIGCHLD, after the running tasks were asked.
  void child_changed();

  /// Blocks until everything that was killed has ended, a few milliseconds: what is about to die
  /// must not be frozen half-way or be found by who counts what is left. Gives up after kMostWait,
  /// because a process can be stuck in the kernel; a fifth of the shortest usual margin (of a
  /// timeout of one second) is all that the end of an invocation can spare.
  void await_deaths();
  static constexpr Millis kMostWait = Millis(40);

 private:
  void end_strays();
  [[nodiscard]] bool is_stray(pid_t child) const;
  [[nodiscard]] bool kill_tree(pid_t root);

  std::map<pid_t, std::string> running_;
  std::set<pid_t> killed_;  ///< our children that were killed and are not reaped yet
};

}  // namespace postlude::extension
