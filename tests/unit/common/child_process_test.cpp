#include "common/child_process.h"

#include "common/spool.h"
#include "common/unique_fd.h"
#include "tests/fakes/process_watch.h"
#include "tests/fakes/temp_dir.h"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <string>

namespace postlude {
using testing::TempDir;
using testing::wait_until_dead;

namespace {

ChildSpec shell(const std::string& script) {
  ChildSpec spec;
  spec.program = std::string("/bin/sh");
  spec.argv = {"sh", "-c", script};
  spec.environment = Environment::of_process();
  return spec;
}

struct Finished {
  std::string output;
  ExitStatus status;
};

Finished run(ChildSpec spec) {
  std::array<int, 2> ends = {-1, -1};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  const UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  spec.standard_output = write_end.get();
  const auto pid = start_child(spec);
  REQUIRE(pid);
  write_end.reset();
  Finished finished;
  std::array<char, 4096> buffer;
  for (ssize_t size = 1; size > 0;) {
    size = ::read(read_end.get(), buffer.data(), buffer.size());
    finished.output.append(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  }
  finished.status = wait_for(*pid);
  return finished;
}

/// One the C library keeps for itself: its sigaction() does not let a program touch it.
constexpr int kReservedSignal = 33;

/// The kernel's own record of a disposition, by the raw call; true when it was taken.
bool set_reserved_signal(std::uintptr_t handler) {
  const std::array<std::uintptr_t, 4> action = {handler};
  return ::syscall(
             SYS_rt_sigaction, kReservedSignal, action.data(), nullptr, sizeof(std::uint64_t)) == 0;
}

}  // namespace

TEST_CASE("an exit status and a deadly signal are told apart and described") {
  CHECK(run(shell("exit 0")).status.success());
  CHECK(describe(run(shell("exit 3")).status) == "exit status 3");
  CHECK(describe(run(shell("kill -KILL $$")).status) == "signal: killed");
  CHECK(describe(run(shell("kill -TERM $$")).status) == "signal: terminated");
  CHECK_FALSE(run(shell("kill -TERM $$")).status.success());
}

TEST_CASE("a child gets its environment and no other") {
  ChildSpec spec = shell("/usr/bin/env");
  spec.environment = Environment({{"ONE", "a=b"}, {"TWO", ""}});
  const std::string output = run(std::move(spec)).output;
  CHECK(output.find("ONE=a=b\n") != std::string::npos);
  CHECK(output.find("TWO=\n") != std::string::npos);
  CHECK(output.find("HOME=") == std::string::npos);
}

TEST_CASE("a child leads a process group of its own and starts where it is told") {
  ChildSpec spec = shell("echo $$ $(cut -d' ' -f5 /proc/$$/stat); pwd");
  spec.working_directory = std::string("/");
  const std::string output = run(std::move(spec)).output;
  const std::size_t space = output.find(' ');
  const std::size_t line = output.find('\n');
  REQUIRE(line != std::string::npos);
  CHECK(output.substr(0, space) == output.substr(space + 1, line - space - 1));
  CHECK(output.substr(line + 1) == "/\n");
}

TEST_CASE("a child has an empty signal mask and default dispositions, whatever ours are") {
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  sigaddset(&blocked, SIGCHLD);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  struct sigaction ignore = {};
  struct sigaction old = {};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &ignore, &old);
  REQUIRE(set_reserved_signal(1));
  ChildSpec spec = shell("");
  spec.program = std::string("/bin/grep");
  spec.argv = {"grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"};
  const std::string output = run(std::move(spec)).output;
  REQUIRE(set_reserved_signal(0));
  ::sigaction(SIGPIPE, &old, nullptr);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  CHECK(output == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_CASE("descriptors are kept or closed as asked") {
  // NOLINTNEXTLINE(android-cloexec-open): an inheritable descriptor is what the test is about
  const UniqueFd open_one(::open("/dev/null", O_RDONLY));
  const std::string path = "/proc/$$/fd/" + std::to_string(open_one.get());
  const std::string script = "test -e " + path + " && echo open || echo closed";
  ChildSpec spec = shell(script);
  CHECK(run(spec).output == "closed\n");
  spec.descriptors = InheritedDescriptors::all;
  CHECK(run(spec).output == "open\n");
}

TEST_CASE("a program that cannot be executed is an error of the start, and leaves no zombie") {
  const TempDir folder;
  ChildSpec spec = shell("");
  spec.program = folder.file("none");
  CHECK(start_child(spec).error().code == ErrorCode::not_found);
  spec.program = folder.write("plain", "#!/bin/sh\n");
  CHECK(start_child(spec).error().message.find("Permission denied") != std::string::npos);
  spec = shell("");
  spec.working_directory = folder.file("none");
  CHECK_FALSE(start_child(spec));
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("asking a running child tells nothing, and a stopped one runs") {
  const auto pid = start_child(shell("exec sleep 600"));
  REQUIRE(pid);
  CHECK_FALSE(peek(*pid));
  CHECK_FALSE(reap(*pid));
  ::kill(*pid, SIGSTOP);
  siginfo_t info = {};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(*pid), &info, WSTOPPED | WNOWAIT) == 0);
  CHECK_FALSE(peek(*pid));
  CHECK_FALSE(reap(*pid));
  ::kill(*pid, SIGKILL);
  CHECK(wait_for(*pid).number == SIGKILL);
}

TEST_CASE("peeking leaves the child to be reaped, with the same status") {
  for (const char* script : {"exit 7", "kill -KILL $$"}) {
    CAPTURE(script);
    const auto pid = start_child(shell(script));
    REQUIRE(pid);
    REQUIRE(wait_until_dead(*pid));
    const auto peeked = peek(*pid);
    const auto again = peek(*pid);
    const auto reaped = reap(*pid);
    REQUIRE(peeked);
    REQUIRE(again);
    REQUIRE(reaped);
    CHECK(describe(*peeked) == describe(*reaped));
    CHECK_FALSE(peek(*pid));
    CHECK_FALSE(reap(*pid));
  }
}

TEST_CASE("a signal to the group reaches all of it, and a group that is gone is fine") {
  const TempDir folder;
  REQUIRE(::mkfifo(folder.file("ready").c_str(), 0600) == 0);
  const auto pid = start_child(shell("sleep 600 & echo $! > " + folder.file("ready") + "; wait"));
  REQUIRE(pid);
  const pid_t child = std::stoi(folder.read("ready"));
  signal_group(*pid, SIGKILL);
  CHECK(wait_for(*pid).number == SIGKILL);
  CHECK(wait_until_dead(child));
  signal_group(*pid, SIGKILL);
}

TEST_CASE("a program without slash is looked up in PATH, one with a slash below the base") {
  const TempDir folder;
  const std::string program = folder.write_program("tool", "#!/bin/sh\n");
  folder.write("plain", "");
  CHECK(find_program("tool", "/nowhere:" + folder.path(), "/base") == program);
  CHECK(find_program("./tool", "", folder.path()) == folder.path() + "/./tool");
  CHECK(find_program(program, "", "/base") == program);
  CHECK_FALSE(find_program("tool", "/nowhere", folder.path()));
  CHECK_FALSE(find_program("plain", folder.path(), ""));
  CHECK_FALSE(find_program("./plain", "", folder.path()));
  CHECK_FALSE(find_program("/", "", ""));
  CHECK_FALSE(find_program("", folder.path(), folder.path()));
}

TEST_CASE("a process can end as its child ended") {
  for (const ExitStatus status : {ExitStatus{ExitStatus::Kind::exited, 9},
                                  ExitStatus{ExitStatus::Kind::signalled, SIGKILL},
                                  ExitStatus{ExitStatus::Kind::signalled, SIGTERM}}) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      end_like(status);
    }
    const ExitStatus ended = wait_for(pid);
    CHECK(ended.kind == status.kind);
    CHECK(ended.number == status.number);
  }
}

}  // namespace postlude
