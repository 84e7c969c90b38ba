#include "common/signals.h"

#include <sys/signalfd.h>

#include <csignal>

namespace postlude {

Result<Signals> Signals::block(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) {
    sigaddset(&set, signal);
  }
  if (const int failed = pthread_sigmask(SIG_BLOCK, &set, nullptr); failed != 0) {
    return errno_failure("block signals", "", failed);
  }
  struct sigaction ignore = {};
  ignore.sa_handler = SIG_IGN;
  // Inherited as ignored, SIGCHLD would have the kernel reap our children unseen.
  struct sigaction standard = {};
  standard.sa_handler = SIG_DFL;
  if (sigaction(SIGPIPE, &ignore, nullptr) != 0 || sigaction(SIGXFSZ, &ignore, nullptr) != 0 ||
      sigaction(SIGCHLD, &standard, nullptr) != 0) {
    return errno_failure("set signal dispositions", "");
  }
  UniqueFd fd(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!fd) {
    return errno_failure("signalfd", "");
  }
  return Signals(std::move(fd));
}

std::optional<int> Signals::take() {
  signalfd_siginfo info = {};
  while (true) {
    const ssize_t size = ::read(fd_.get(), &info, sizeof info);
    if (size == static_cast<ssize_t>(sizeof info)) {
      return static_cast<int>(info.ssi_signo);
    }
    if (size >= 0 || errno != EINTR) {
      return std::nullopt;
    }
  }
}

}  // namespace postlude
