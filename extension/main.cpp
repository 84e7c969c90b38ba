#include "common/log.h"
#include "common/standard_descriptors.h"
#include "extension/conductor.h"

#include <csignal>
#include <cstdlib>
#include <exception>

/// postlude-extension --link NAME: started by the shim, which listens on the abstract socket NAME.
/// Without a shim there is nothing to do, so every failure here ends the process; the shim then
/// goes on without it, and the function never notices.
int main(int argc, char** argv) {
  postlude::reserve_standard_descriptors();
  const postlude::Log log(STDOUT_FILENO, postlude::LogLevel::info);
  if (argc != 3 || std::string_view(argv[1]) != "--link") {
    log.error("usage: postlude-extension --link NAME (the shim starts this program)");
    return 2;
  }
  try {
    auto signals = postlude::Signals::block({SIGTERM, SIGCHLD});
    auto shim = postlude::PacketSocket::connect(argv[2]);
    if (!signals || !shim) {
      log.error((signals ? shim.error() : signals.error()).message);
      return 1;
    }
    postlude::extension::Conductor conductor(
        std::move(*shim), std::move(*signals), postlude::Environment::of_process());
    const auto ended = conductor.run();
    if (!ended) {
      log.error(ended.error().message);
    }
    if (conductor.busy()) {
      std::_Exit(ended ? 0 : 1);  // the shim waits for our end, not for a name server
    }
    return ended ? 0 : 1;
  } catch (const std::exception& bug) {
    log.error(std::string("unexpected: ") + bug.what());
    return 1;
  }
}
