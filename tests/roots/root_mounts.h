#pragma once

#include "common/error.h"

#include <sys/types.h>

#include <string>

namespace postlude::testing {

/// This process alone gets a user namespace, in which its user has the number `as`, and a mount
/// namespace, with every right over both until it executes a program. Single-threaded callers only.
[[nodiscard]] Result<void> new_namespaces(uid_t as);

/// Lets the kernel start programs of another processor: those that `rule` tells
/// (":name:M::magic:mask:", as binfmt_misc wants it) by `interpreter`, which is opened now. In a
/// user namespace for this process where the kernel can (Linux 6.7), else it must be the machine's
/// own setting already. The error names the remedy.
[[nodiscard]] Result<void> register_interpreter(const std::string& interpreter,
                                                const std::string& rule);

/// `root` becomes /, and nothing else of the machine can be reached: read-only but for its folder
/// tmp; its empty files in dev become the machine's devices of those names, its folder proc the
/// machine's.
[[nodiscard]] Result<void> mount_root(const std::string& root);

}  // namespace postlude::testing
