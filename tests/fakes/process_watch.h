#pragma once

#include <sys/types.h>

namespace postlude::testing {

/// Waits for the end of a process that need not be our child; at most half a minute. A zombie has
/// ended.
[[nodiscard]] bool wait_until_dead(pid_t process);

/// Runs, or is stopped; zombies do not.
[[nodiscard]] bool is_alive(pid_t process);

/// As /proc shows it: 'R', 'S', 'T' (stopped), 'Z', ...; '-' if there is none.
[[nodiscard]] char process_state(pid_t process);

}  // namespace postlude::testing
