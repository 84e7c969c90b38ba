#include "extension/descendants.h"

#include "common/child_process.h"
#include "common/process_tree.h"
#include "common/unique_fd.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

namespace postlude::extension {
namespace {

/// Each round catches what was started while the one before looked. What is killed starts nothing
/// any more, so a second round usually finds nothing; a fork bomb must not hold us for ever.
constexpr int kMostRounds = 32;

/// Kernels before 5.3 tell of a child's end by SIGCHLD alone, which the loop reads.
bool look_for_end(pid_t child, Millis most) {
  const EpochTime until = now() + most;
  siginfo_t ended = {};
  while (::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOHANG | WNOWAIT) == 0) {
    if (ended.si_pid == child) {
      return true;
    }
    if (remaining(until, now()) == Millis::zero()) {
      return false;
    }
    ::poll(nullptr, 0, 1);
  }
  return false;
}

/// False if it has not ended by then, or cannot be waited for.
bool wait_for_end(pid_t child, Millis most) {
#ifdef SYS_pidfd_open
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
#else
  const UniqueFd process;
#endif
  if (!process) {
    return errno == ENOSYS && look_for_end(child, most);
  }
  pollfd ended = {process.get(), POLLIN, 0};
  return ::poll(&ended, 1, static_cast<int>(most.count())) > 0;
}

}  // namespace

void Descendants::adopt_orphans() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

void Descendants::task_started(pid_t leader, std::string task_id) {
  running_[leader] = std::move(task_id);
}

void Descendants::task_ended(pid_t leader) {
  signal_group(leader, SIGKILL);
  running_.erase(leader);
  killed_.insert(leader);
  end_strays();
}

void Descendants::child_changed() {
  end_strays();
}

void Descendants::await_deaths() {
  const EpochTime until = now() + kMostWait;
  while (!killed_.empty()) {
    const Millis left = remaining(until, now());
    if (left == Millis::zero() || !wait_for_end(*killed_.begin(), left)) {
      return;
    }
    // Reaps it, and ends what it left to us.
    end_strays();
  }
}

void Descendants::end_strays() {
  bool found = true;
  for (int round = 0; found && round < kMostRounds; ++round) {
    found = false;
    for (const pid_t child : children_of(::getpid())) {
      if (running_.contains(child)) {
        continue;
      }
      if (reap(child)) {
        killed_.erase(child);
      } else if (is_stray(child)) {
        found = kill_tree(child) || found;
      }
    }
  }
}

bool Descendants::is_stray(pid_t child) const {
  if (running_.empty() || killed_.contains(child)) {
    return true;
  }
  const auto task_id = initial_variable(child, "POSTLUDE_TASK_ID");
  return task_id && std::none_of(running_.begin(), running_.end(), [&task_id](const auto& entry) {
           return entry.second == *task_id;
         });
}

/// True if there was anything that had not been killed before.
bool Descendants::kill_tree(pid_t root) {
  bool found = killed_.insert(root).second;
  ::kill(root, SIGKILL);
  std::vector<pid_t> unvisited = children_of(root);
  while (!unvisited.empty()) {
    const pid_t process = unvisited.back();
    unvisited.pop_back();
    ::kill(process, SIGKILL);
    found = true;
    const std::vector<pid_t> children = children_of(process);
    unvisited.insert(unvisited.end(), children.begin(), children.end());
  }
  return found;
}

}  // namespace postlude::extension
