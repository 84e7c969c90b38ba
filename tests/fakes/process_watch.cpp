#include "tests/fakes/process_watch.h"

#include "common/unique_fd.h"
#include "tests/functional/process_probe.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace postlude::testing {

bool wait_until_dead(pid_t process) {
  constexpr int kFailureTimeoutMs = 30'000;
  const UniqueFd watch(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
  if (!watch) {
    return errno == ESRCH;
  }
  pollfd ended = {watch.get(), POLLIN, 0};
  return ::poll(&ended, 1, kFailureTimeoutMs) > 0;
}

bool is_alive(pid_t process) {
  const char state = process_state(process);
  return state != '-' && state != 'Z' && state != 'X';
}

}  // namespace postlude::testing
