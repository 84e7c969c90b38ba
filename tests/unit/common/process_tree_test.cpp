#include "common/process_tree.h"

#include "common/child_process.h"
#include "tests/fakes/process_watch.h"
#include "tests/fakes/temp_dir.h"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <string>

namespace postlude {
using testing::TempDir;
using testing::wait_until_dead;

namespace {

/// A shell with one child of its own, both alive once this returns.
struct Family {
  Family() {
    REQUIRE(::mkfifo(folder.file("ready").c_str(), 0600) == 0);
    ChildSpec spec;
    spec.program = std::string("/bin/sh");
    spec.argv = {"sh", "-c", "sleep 600 & echo $! > " + folder.file("ready") + "; wait"};
    spec.environment = Environment({{"PATH", "/usr/bin:/bin"}, {"MARK", "a=b"}, {"EMPTY", ""}});
    parent = *start_child(spec);
    child = std::stoi(folder.read("ready"));
  }
  Family(const Family&) = delete;
  Family& operator=(const Family&) = delete;
  ~Family() {
    signal_group(parent, SIGKILL);
    static_cast<void>(wait_for(parent));
  }

  TempDir folder;
  pid_t parent = 0;
  pid_t child = 0;
};

bool contains(const std::vector<pid_t>& processes, pid_t process) {
  return std::find(processes.begin(), processes.end(), process) != processes.end();
}

}  // namespace

TEST_CASE("a process has its children, not its grandchildren") {
  const Family family;
  CHECK(contains(children_of(::getpid()), family.parent));
  CHECK_FALSE(contains(children_of(::getpid()), family.child));
  CHECK(children_of(family.parent) == std::vector<pid_t>{family.child});
  CHECK(children_of(family.child).empty());
}

TEST_CASE("a process descends from itself and from all above it, and from nobody else") {
  const Family family;
  CHECK(descends_from(family.child, family.child) == true);
  CHECK(descends_from(family.child, family.parent) == true);
  CHECK(descends_from(family.child, ::getpid()) == true);
  CHECK(descends_from(::getpid(), family.parent) == false);
  const Family other;
  CHECK(descends_from(other.child, family.parent) == false);
}

TEST_CASE("a process that is gone descends from nobody") {
  pid_t gone = 0;
  {
    const Family family;
    gone = family.parent;
  }
  CHECK(descends_from(gone, ::getpid()) == false);
  CHECK(descends_from(gone, gone) == false);
}

TEST_CASE("a child that ended is there until it is waited for") {
  const Family family;
  signal_group(family.parent, SIGKILL);
  REQUIRE(wait_until_dead(family.parent));
  CHECK(contains(children_of(::getpid()), family.parent));
  CHECK_FALSE(initial_variable(family.parent, "MARK"));
}

TEST_CASE("the initial environment of a process can be asked by exact name") {
  const Family family;
  CHECK(initial_variable(family.parent, "MARK") == "a=b");
  CHECK(initial_variable(family.parent, "EMPTY") == "");
  CHECK_FALSE(initial_variable(family.parent, "MAR"));
  CHECK_FALSE(initial_variable(family.parent, "MARKS"));
}

TEST_CASE("a process that does not exist has nothing") {
  constexpr pid_t kNobody = 0x7ffffff0;
  CHECK(children_of(kNobody).empty());
  CHECK_FALSE(initial_variable(kNobody, "PATH"));
}

}  // namespace postlude
