#include "common/own_program.h"
#include "common/standard_descriptors.h"
#include "extension/conductor.h"

#include <csignal>
#include <cstdlib>
#include <exception>
#include <memory>

namespace {

using namespace postlude;             // NOLINT(google-build-using-namespace) the program's own main
using namespace postlude::extension;  // NOLINT(google-build-using-namespace)

/// What the function's environment runs us as. The file's name decides: the platform starts
/// extensions without arguments, and by that name it knows them.
enum class Start { by_shim, by_platform, by_mistake };

Start start_of(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--link") {
    return Start::by_shim;
  }
  return argc == 1 && own_program().name() == kExternalName ? Start::by_platform
                                                            : Start::by_mistake;
}

Result<std::unique_ptr<Conductor>> conductor(Start start, const char* link, Signals signals) {
  Environment environment = Environment::of_process();
  if (start == Start::by_platform) {
    auto door = PacketListener::listen(
        external_link_name(environment.get_or("AWS_LAMBDA_RUNTIME_API", {})));
    if (!door) {
      return tl::unexpected(door.error());
    }
    return std::make_unique<Conductor>(
        std::move(*door), std::move(signals), std::move(environment));
  }
  auto shim = PacketSocket::connect(link);
  if (!shim) {
    return tl::unexpected(shim.error());
  }
  return std::make_unique<Conductor>(std::move(*shim), std::move(signals), std::move(environment));
}

}  // namespace

/// postlude-extension --link NAME: started by the shim, which listens on the abstract socket NAME.
/// Without a shim there is nothing to do, so every failure here ends the process; the shim then
/// goes on without it, and the function never notices.
///
/// extensions/postlude: the same program, started by the platform before the runtime. Where it
/// fails here the environment cannot start, and the platform says so.
int main(int argc, char** argv) {
  reserve_standard_descriptors();
  const Log log(STDOUT_FILENO, LogLevel::info);
  const Start start = start_of(argc, argv);
  if (start == Start::by_mistake) {
    log.error("usage: postlude-extension --link NAME (the shim starts this program)");
    return 2;
  }
  try {
    auto signals = Signals::block({SIGTERM, SIGCHLD});
    if (!signals) {
      log.error(signals.error().message);
      return 1;
    }
    auto works = conductor(start, argv[argc - 1], std::move(*signals));
    if (!works) {
      log.error(works.error().message);
      return 1;
    }
    const auto ended = (*works)->run();
    if (!ended) {
      log.error(ended.error().message);
    }
    if ((*works)->busy()) {
      std::_Exit(ended ? 0 : 1);  // the shim waits for our end, not for a name server
    }
    return ended ? 0 : 1;
  } catch (const std::exception& bug) {
    log.error(std::string("unexpected: ") + bug.what());
    return 1;
  }
}
