#include "common/unique_fd.h"
#include "tests/bench/bench_roles.h"
#include "tests/bench/platform_peer.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace postlude::testing {

int play_task(const BenchRole& role) {
  if (role.arguments.size() != 1) {
    return 2;
  }
  const std::string& name = role.arguments.front();
  const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(
      &address.sun_path[1], name.data(), std::min(name.size(), sizeof address.sun_path - 1));
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  const std::int64_t at = monotonic_ns();
  const ssize_t sent =
      ::sendto(fd.get(), &at, sizeof at, 0, reinterpret_cast<const sockaddr*>(&address), size);
  ::_exit(sent == sizeof at ? 0 : 1);
}

}  // namespace postlude::testing
