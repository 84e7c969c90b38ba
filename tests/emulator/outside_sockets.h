#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace postlude::emulator {

struct DroppedConnections {
  std::size_t connections = 0;
  bool complete = false;  ///< none was out of reach (Linux 5.6 and the right to trace are needed)
};

/// Resets every TCP connection that a descendant of `ancestor`, which must be the caller, has to
/// somewhere outside of the environment: its peer sees a reset now, the process when it next uses
/// it (lambda-protocol.md 4.4). The processes may be stopped.
[[nodiscard]] DroppedConnections drop_outside_connections(pid_t ancestor, std::uint16_t api_port);

}  // namespace postlude::emulator
