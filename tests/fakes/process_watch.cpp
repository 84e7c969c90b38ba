#include "tests/fakes/process_watch.h"

#include "common/unique_fd.h"

#include <fmt/format.h>

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>

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

char process_state(pid_t process) {
  std::ostringstream text;
  text << std::ifstream(fmt::format("/proc/{}/stat", process)).rdbuf();
  const std::string stat = text.str();
  const std::size_t bracket = stat.rfind(')');
  return bracket == std::string::npos || bracket + 2 >= stat.size() ? '-' : stat[bracket + 2];
}

}  // namespace postlude::testing
