// The shim. What happens to the function when a step fails:
//   command line, pass-through cases   the runtime's command is executed as if we were not there
//   configuration                      /init/error with every problem, exit 1: never half a service
//   signals, listening                 logged; the runtime's command is executed without us
//   extension                          logged; the function runs, deferred work ends dropped
//   runtime                            logged, exit 127, as a shell reports a missing command
//   anything later                     the shim ends as the runtime ended
#include "common/standard_descriptors.h"
#include "runtime/pass_through.h"
#include "runtime/shim.h"

#include <fmt/format.h>

#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

namespace {

using namespace postlude;           // NOLINT(google-build-using-namespace) the program's own main
using namespace postlude::runtime;  // NOLINT(google-build-using-namespace)

int serve(const std::vector<std::string>& command, const Environment& environment) {
  auto signals = Signals::block({SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGCHLD});
  if (!signals) {
    return run_without_us(command, environment, signals.error().message);
  }
  auto config = load_config(environment);
  if (!config) {
    return refuse_to_serve(environment, config.error());
  }
  auto shim = Shim::create(*config, *signals);
  if (!shim) {
    return run_without_us(command, environment, shim.error().message);
  }
  (*shim)->start_extension(environment);
  if (auto started = (*shim)->start_runtime(wrapped(command, *config), environment); !started) {
    return cannot_start(started.error());
  }
  const ExitStatus end = (*shim)->run();
  shim->reset();
  end_like(end);
}

}  // namespace

int main(int argc, char** argv) {
  reserve_standard_descriptors();
  const Environment environment = Environment::of_process();
  const auto line = parse_command_line({argv + 1, argv + argc}, environment);
  if (!line) {
    return usage_error(line.error());
  }
  if (line->mode != CommandLine::Mode::run) {
    return answer(*line, environment);
  }
  const StartMode mode = start_mode(environment);
  return mode == StartMode::serve ? serve(line->command, environment)
                                  : pass_through(mode, line->command, environment);
}
