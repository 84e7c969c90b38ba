#include "common/environment.h"
#include "common/own_program.h"
#include "common/signals.h"
#include "tests/emulator/control_api.h"
#include "tests/emulator/event_journal.h"
#include "tests/emulator/fleet.h"
#include "tests/emulator/function_url.h"
#include "tests/emulator/invoke_api.h"
#include "tests/emulator/options.h"
#include "tests/emulator/sandbox_process.h"
#include "tests/emulator/write_all.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <poll.h>

#include <csignal>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

namespace {

using namespace postlude;            // NOLINT(google-build-using-namespace) one program
using namespace postlude::emulator;  // NOLINT(google-build-using-namespace)

int complain(const std::string& message) {
  write_all(STDERR_FILENO, "postlude-emulator: " + message + "\n");
  return 1;
}

void wait_for_signal(Signals& signals) {
  pollfd watched{signals.fd(), POLLIN, 0};
  while (!signals.take()) {
    ::poll(&watched, 1, -1);
  }
}

int run(const Options& options, const std::string& path) {
  auto signals = Signals::block({SIGTERM, SIGINT, SIGHUP});
  auto journal = EventJournal::open(options.events);
  if (!signals || !journal) {
    return complain(signals ? journal.error().message : signals.error().message);
  }
  Fleet fleet({options, *journal, path});
  const auto invoke_api = InvokeApi::start(options, fleet, *journal);
  if (!invoke_api) {
    return complain(invoke_api.error().message);
  }
  const auto function_url = FunctionUrl::start(options, fleet, *journal);
  if (!function_url) {
    return complain(function_url.error().message);
  }
  const auto control = ControlApi::start(fleet);
  if (!control) {
    return complain(control.error().message);
  }
  if (options.init_moment == InitMoment::eager) {
    if (const auto started = fleet.start_first(); !started) {
      return complain(started.error().message);
    }
  }
  const std::string invoke_url = fmt::format("http://127.0.0.1:{}", (*invoke_api)->port());
  const std::string url = fmt::format("http://127.0.0.1:{}", (*function_url)->port());
  const std::string control_url = fmt::format("http://127.0.0.1:{}", (*control)->port());
  write_all(STDOUT_FILENO,
            fmt::format("listening invoke={} url={} control={}\n", invoke_url, url, control_url));
  journal->record("listening", {{"invoke", invoke_url}, {"url", url}, {"control", control_url}});
  wait_for_signal(*signals);
  fleet.stop();
  journal->record("stopped", nlohmann::json::object());
  return 0;
}

int start(int argc, char** argv) {
  if (argc > 1 && std::string(argv[1]) == kSandboxMode) {
    return run_sandbox_process(std::vector<std::string>(argv + 2, argv + argc));
  }
  const std::string path(Environment::of_process().get_or("PATH", "/usr/local/bin:/usr/bin:/bin"));
  const auto launchers = std::filesystem::path(own_program().folder()).parent_path() / "runtimes";
  auto parsed = parse_options(argc, argv, launchers.string());
  if (const auto* early = std::get_if<EarlyExit>(&parsed)) {
    write_all(early->status == 0 ? STDOUT_FILENO : STDERR_FILENO, early->text);
    return early->status;
  }
  return run(std::get<Options>(parsed), path);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return start(argc, argv);
  } catch (const std::exception& bug) {
    write_all(STDERR_FILENO, std::string("unexpected: ") + bug.what() + "\n");
    return 1;
  }
}
