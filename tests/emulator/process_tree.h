#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace postlude::emulator {

struct ProcessInfo {
  pid_t pid = 0;
  std::string name;  ///< the kernel's short name of its program
};

/// All processes that descend from `ancestor`, without it and without zombies. Processes that left
/// their session or daemonised are found as long as `ancestor` is a child subreaper.
[[nodiscard]] std::vector<ProcessInfo> descendants(pid_t ancestor);

struct FreezeResult {
  std::vector<ProcessInfo> stopped;
  bool complete = false;  ///< every thread of every one was seen stopped
};

/// Stops all descendants: SIGSTOP until a scan finds nobody new and all threads of all stopped, or
/// `limit` is over (a process in an uninterruptible wait).
[[nodiscard]] FreezeResult freeze_descendants(pid_t ancestor, std::chrono::milliseconds limit);

/// SIGCONT to all descendants; how many.
std::size_t thaw_descendants(pid_t ancestor);

/// SIGKILL until nobody is left; who was there at first.
std::vector<ProcessInfo> kill_descendants(pid_t ancestor, std::chrono::milliseconds limit);

}  // namespace postlude::emulator
