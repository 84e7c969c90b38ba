#pragma once

#include "common/error.h"

namespace postlude::testing {

/// Both hold here and in all that is started from here, and cannot be undone: a system call that an
/// old kernel does not know fails with ENOSYS.

/// All that came after Linux 4.14, which is the oldest kernel that functions run on: the last call
/// of it is statx. For a process that only goes on to execute a program: a C library that has
/// registered `rseq` (4.18) for its first thread aborts where a further thread cannot.
[[nodiscard]] Result<void> forbid_calls_after_4_14();

/// pidfd_open (5.3) and all that came later.
[[nodiscard]] Result<void> forbid_pidfd_open();

}  // namespace postlude::testing
