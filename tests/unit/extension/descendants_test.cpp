#include "extension/descendants.h"

#include "common/child_process.h"
#include "common/process_tree.h"
#include "tests/fakes/old_kernel.h"
#include "tests/fakes/process_watch.h"
#include "tests/fakes/temp_dir.h"
#include "tests/functional/process_probe.h"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <string>

namespace postlude::extension {
using testing::is_alive;
using testing::process_state;
using testing::TempDir;
using testing::wait_until_dead;

namespace {

/// Runs a script that writes a process id into the fifo `pid`.
class Task {
 public:
  Task(const std::string& id, const std::string& script) {
    REQUIRE(::mkfifo(folder_.file("pid").c_str(), 0600) == 0);
    ChildSpec spec;
    spec.program = std::string("/bin/sh");
    spec.argv = {"sh", "-c", script};
    spec.environment = Environment({{"PATH", "/usr/bin:/bin"}, {"POSTLUDE_TASK_ID", id}});
    spec.working_directory = folder_.path();
    leader = *start_child(spec);
    process = std::stoi(folder_.read("pid"));
  }

  pid_t leader = 0;
  pid_t process = 0;

 private:
  TempDir folder_;
};

constexpr const char* kDaemon = "(setsid sh -c 'echo $$ > pid; exec sleep 600' &) ; exec sleep 600";

}  // namespace

TEST_CASE("ending a task ends its leader, which is reaped, and its daemons") {
  Descendants::adopt_orphans();
  Descendants descendants;
  const Task task("one", kDaemon);
  descendants.task_started(task.leader, "one");
  descendants.task_ended(task.leader);
  CHECK(wait_until_dead(task.leader));
  CHECK(wait_until_dead(task.process));
  descendants.child_changed();
  CHECK(children_of(::getpid()).empty());
}

TEST_CASE("the daemon of a running task is let alone until that task ends") {
  Descendants::adopt_orphans();
  Descendants descendants;
  const Task first("one", kDaemon);
  const Task second("two", kDaemon);
  descendants.task_started(first.leader, "one");
  descendants.task_started(second.leader, "two");
  descendants.task_ended(first.leader);
  CHECK(wait_until_dead(first.process));
  CHECK(is_alive(second.process));
  descendants.task_ended(second.leader);
  CHECK(wait_until_dead(second.process));
}

TEST_CASE("a leader that has ended keeps its process id until its task is over") {
  Descendants::adopt_orphans();
  Descendants descendants;
  const Task task("one", "echo $$ > pid");
  descendants.task_started(task.leader, "one");
  REQUIRE(wait_until_dead(task.leader));
  descendants.child_changed();
  CHECK(process_state(task.leader) == 'Z');
  descendants.task_ended(task.leader);
  CHECK(process_state(task.leader) == '-');
}

TEST_CASE("once the deaths were awaited nothing that was killed is left, not even a zombie") {
  Descendants::adopt_orphans();
  Descendants descendants;
  const Task task("one", kDaemon);
  descendants.task_started(task.leader, "one");
  descendants.task_ended(task.leader);
  descendants.await_deaths();
  CHECK(process_state(task.leader) == '-');
  CHECK(process_state(task.process) == '-');
  CHECK(children_of(::getpid()).empty());
}

TEST_CASE("deaths are awaited on a kernel without pidfd_open, too") {
  const pid_t child = ::fork();
  if (child == 0) {
    bool all_right = testing::forbid_pidfd_open().has_value();
    Descendants::adopt_orphans();
    for (int turn = 0; all_right && turn < 20; ++turn) {
      Descendants descendants;
      const Task task("one", kDaemon);
      descendants.task_started(task.leader, "one");
      descendants.task_ended(task.leader);
      descendants.await_deaths();
      all_right = children_of(::getpid()).empty();
    }
    ::_exit(all_right ? 0 : 1);
  }
  CHECK(describe(wait_for(child)) == "exit status 0");
}

TEST_CASE("awaiting deaths where nothing was killed does not wait for what lives") {
  Descendants::adopt_orphans();
  Descendants descendants;
  const Task task("one", kDaemon);
  descendants.task_started(task.leader, "one");
  descendants.await_deaths();
  CHECK(is_alive(task.leader));
  CHECK(is_alive(task.process));
  descendants.task_ended(task.leader);
  descendants.await_deaths();
}

}  // namespace postlude::extension
