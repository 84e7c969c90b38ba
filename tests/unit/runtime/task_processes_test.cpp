#include "runtime/task_processes.h"

#include "common/child_process.h"

#include <doctest/doctest.h>

#include <csignal>
#include <string>

using namespace postlude;
using namespace postlude::runtime;

namespace {

pid_t sleeper_of(const std::string& task_id) {
  ChildSpec spec;
  spec.program = "/bin/sleep";
  spec.argv = {"sleep", "600"};
  spec.environment = Environment({{"POSTLUDE_TASK_ID", task_id}});
  return *start_child(spec);
}

}  // namespace

TEST_CASE("the processes of the named tasks are killed, and of no others") {
  const pid_t first = sleeper_of("r1/a/1");
  const pid_t other = sleeper_of("r1/a/10");
  const pid_t second = sleeper_of("r2/b/1");
  kill_processes_of({"r1/a/1", "r2/b/1", "r3/never/1"});
  CHECK(describe(wait_for(first)) == "signal: killed");
  CHECK(describe(wait_for(second)) == "signal: killed");
  CHECK_FALSE(peek(other));
  signal_group(other, SIGKILL);
  CHECK(describe(wait_for(other)) == "signal: killed");
}

TEST_CASE("without tasks nothing is looked for") {
  const pid_t unnamed = sleeper_of("");
  kill_processes_of({});
  CHECK_FALSE(peek(unnamed));
  signal_group(unnamed, SIGKILL);
  CHECK(describe(wait_for(unnamed)) == "signal: killed");
}
