#pragma once

#include "common/environment.h"
#include "common/error.h"

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace postlude {

/// How a process ended, as a value.
struct ExitStatus {
  enum class Kind { exited, signalled } kind = Kind::exited;
  int number = 0;  ///< exit status, or the signal

  [[nodiscard]] bool success() const { return kind == Kind::exited && number == 0; }
};

/// "exit status 3", "signal: killed": the words of the platform's Runtime.ExitError.
[[nodiscard]] std::string describe(ExitStatus status);

enum class InheritedDescriptors {
  all,       ///< whatever is not close-on-exec, as a plain exec would
  standard,  ///< 0, 1, 2 only
};

/// Everything about a child, prepared before the fork.
struct ChildSpec {
  std::string program;  ///< a path; find_program looks names up
  std::vector<std::string> argv;
  Environment environment;
  std::string working_directory = {};  ///< empty: ours
  int standard_input = -1;             ///< -1: ours
  int standard_output = -1;
  int standard_error = -1;
  InheritedDescriptors descriptors = InheritedDescriptors::standard;
  int parent_death_signal = 0;  ///< 0: none. Bound to the *thread* that starts the child.
};

/// Starts a child as leader of a process group of its own, with an empty signal mask and default
/// dispositions. Only async-signal-safe calls are made between fork and exec. Returns once the
/// program runs; a failed exec (missing, not executable) is the error.
[[nodiscard]] Result<pid_t> start_child(const ChildSpec& spec);

/// Asks one child; nothing while it runs (a stopped child runs). Reaps it when it has ended.
[[nodiscard]] std::optional<ExitStatus> reap(pid_t pid);
/// Asks without reaping: an ended child stays a zombie, so that its process id and group cannot
/// pass to others yet.
[[nodiscard]] std::optional<ExitStatus> peek(pid_t pid);
/// As reap, waiting for the end.
[[nodiscard]] ExitStatus wait_for(pid_t pid);

/// To the whole process group of a child; a group that is gone is fine.
void signal_group(pid_t leader, int signal);

/// A name without slash is searched in `path` (a PATH value); one with a slash is taken relative to
/// `base`. The error says what was looked for and where.
[[nodiscard]] Result<std::string> find_program(const std::string& name,
                                               std::string_view path,
                                               std::string_view base);

/// Ends this process as the child ended: the same status, or the same signal without a core file.
[[noreturn]] void end_like(ExitStatus status);

/// Replaces this process (wrapper that steps aside). Returns only on failure.
[[nodiscard]] Error exec_program(const std::string& program,
                                 const std::vector<std::string>& argv,
                                 const Environment& environment);

}  // namespace postlude
