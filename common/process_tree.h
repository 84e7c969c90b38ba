#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postlude {

/// A file of /proc, whole. Nothing if it cannot be opened.
[[nodiscard]] std::optional<std::string> read_proc(const std::string& path);

/// Every process there is.
[[nodiscard]] std::vector<pid_t> all_processes();

/// The children of a process as /proc tells them now, zombies included. Empty for a process that is
/// gone.
[[nodiscard]] std::vector<pid_t> children_of(pid_t parent);

/// Whether `process` is `ancestor` or was started by it, or by somebody whom it started. One that
/// is gone descends from nobody. Nothing where /proc keeps a process on the way from us.
[[nodiscard]] std::optional<bool> descends_from(pid_t process, pid_t ancestor);

/// A variable of the environment a process was started with. Nothing if it is not there, or if the
/// process is gone, a zombie or not ours to look at.
[[nodiscard]] std::optional<std::string> initial_variable(pid_t process, std::string_view name);

}  // namespace postlude
