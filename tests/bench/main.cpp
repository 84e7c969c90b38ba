// postlude-bench platform | runtime | relay | task: the processes of the benchmark that are not
// Postlude's (bench_roles.h). One static program: how long its own start takes is part of figures.
#include "tests/bench/bench_roles.h"

#include <csignal>
#include <cstdio>
#include <string_view>

int main(int argc, char** argv) {
  namespace roles = postlude::testing;
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
  const std::string_view name = argc > 1 ? argv[1] : "";
  const roles::BenchRole role{.environment = postlude::Environment::of_process(),
                              .arguments = {argv + (argc > 1 ? 2 : argc), argv + argc}};
  if (name == "platform") {
    return roles::play_platform(role);
  }
  if (name == "runtime") {
    return roles::play_runtime(role);
  }
  if (name == "relay") {
    return roles::play_relay(role);
  }
  if (name == "task") {
    return roles::play_task(role);
  }
  static_cast<void>(std::fputs("usage: postlude-bench platform|runtime|relay|task\n", stderr));
  return 2;
}
