#include "extension/run_command.h"

#include "tests/unit/extension/command_fixture.h"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/wait.h>

#include <csignal>
#include <string>

namespace postlude::extension {
using namespace std::chrono_literals;
using testing::CommandBench;
using testing::CommandInput;
using testing::is_alive;
using testing::process_state;
using testing::TempDir;

namespace {

/// An event of `bytes` bytes, as the shim would capture it.
struct CapturedEvent {
  CapturedEvent(const TempDir& folder, std::size_t bytes)
      : content("\"" + std::string(bytes - 2, 'e') + "\""),
        fd(::open(folder.write("event", content).c_str(), O_RDONLY | O_CLOEXEC)) {}

  [[nodiscard]] CommandInput input() const {
    return {{"{\"event\":", "}\n"}, {fd.get(), content.size()}};
  }

  std::string content;
  UniqueFd fd;
};

constexpr std::size_t kLargeEvent = std::size_t{6} << 20;

}  // namespace

TEST_CASE("a command reads the whole document, and exit status 0 is success") {
  CommandBench bench;
  const CapturedEvent event(bench.folder(), 20);
  CHECK(bench.run("cat", event.input()).kind == AttemptResult::Kind::success);
  CHECK(bench.wait_for_line("{\"event\":" + event.content + "}").empty());
}

TEST_CASE("a command that has ended before it is stopped has ended as it did") {
  CommandBench bench;
  const auto run = bench.start("exit 0");
  siginfo_t ended = {};
  REQUIRE(::waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT) == 0);
  run->command->stop(200ms);
  bench.wait_for_end(*run);
  CHECK(run->result->kind == AttemptResult::Kind::success);
}

TEST_CASE("without an event the document holds null") {
  CommandBench bench;
  CHECK(bench.run("cat").kind == AttemptResult::Kind::success);
  CHECK(bench.wait_for_line("{\"event\":null}").empty());
}

TEST_CASE("a large event reaches a slow reader byte for byte") {
  CommandBench bench;
  const CapturedEvent event(bench.folder(), kLargeEvent);
  const std::string copy = bench.folder().file("copy");
  CHECK(bench.run("dd bs=1000 of=" + copy + " 2>/dev/null", event.input()).kind ==
        AttemptResult::Kind::success);
  CHECK((bench.folder().read("copy") == "{\"event\":" + event.content + "}\n"));
}

TEST_CASE("a command that never reads a large event stalls nobody and may succeed") {
  CommandBench bench;
  const CapturedEvent event(bench.folder(), kLargeEvent);
  const auto lazy = bench.start("echo ready; exec sleep 600", "r1/lazy/1", event.input());
  bench.wait_for_line("ready");
  CHECK(bench.run("cat").kind == AttemptResult::Kind::success);
  CHECK_FALSE(lazy->result);
  CHECK(bench.run("exit 0", event.input()).kind == AttemptResult::Kind::success);
}

TEST_CASE("a command that closes its input early is not disturbed") {
  CommandBench bench;
  const CapturedEvent event(bench.folder(), kLargeEvent);
  CHECK(bench.run("head -c 10 >/dev/null; exec <&-; echo on; exit 0", event.input()).kind ==
        AttemptResult::Kind::success);
  CHECK(bench.wait_for_line("on").empty());
}

TEST_CASE("a command that closes its output early still ends by its own status") {
  CommandBench bench;
  const AttemptResult result = bench.run("exec >&- 2>&-; exit 3");
  CHECK(result.kind == AttemptResult::Kind::failed);
  CHECK(result.why == "exit status 3");
}

TEST_CASE("a command that is killed fails with the signal's name") {
  CommandBench bench;
  const AttemptResult result = bench.run("kill -KILL $$");
  CHECK(result.kind == AttemptResult::Kind::failed);
  CHECK(result.why == "signal: killed");
}

TEST_CASE("lines of both streams are passed on unchanged") {
  CommandBench bench;
  CHECK(bench.run("echo out; echo err >&2; printf 'last, without line feed'").kind ==
        AttemptResult::Kind::success);
  bench.wait_for_line("last, without line feed");
  bench.wait_for_line("out");
  bench.wait_for_line("err");
  CHECK(bench.output().size() == std::string("out\nerr\nlast, without line feed\n").size());
}

TEST_CASE("output that was written just before the end is not lost") {
  CommandBench bench;
  CHECK(bench.run("seq 1 5000").kind == AttemptResult::Kind::success);
  bench.wait_for_line("5000");
}

TEST_CASE("a command has no descriptors but the standard ones") {
  CommandBench bench;
  // NOLINTNEXTLINE(android-cloexec-open): an inheritable descriptor is what the test is about
  const UniqueFd leak(::open("/dev/null", O_RDONLY));
  const std::string leaked = "/proc/$$/fd/" + std::to_string(leak.get());
  CHECK(bench.run("test -e " + leaked + " && echo leaked; echo end").kind ==
        AttemptResult::Kind::success);
  CHECK(bench.wait_for_line("end").empty());
}

TEST_CASE("a stopped command gets SIGTERM and may end in its own way, but not succeed") {
  CommandBench bench;
  const auto run =
      bench.start("trap 'echo terminated; exit 0' TERM; echo ready; while :; do sleep 0.05; done");
  bench.wait_for_line("ready");
  run->command->stop(20s);
  bench.wait_for_end(*run);
  CHECK(run->result->kind == AttemptResult::Kind::stopped);
  bench.wait_for_line("terminated");
}

TEST_CASE("a command that ignores SIGTERM is killed after the grace, with its children") {
  CommandBench bench;
  const auto run = bench.start(
      "trap '' TERM; sleep 600 & echo child $!; echo leader $$; while :; do sleep 600; done");
  const pid_t child = bench.wait_for_pid("child");
  const pid_t leader = bench.wait_for_pid("leader");
  const EpochTime asked = now();
  run->command->stop(200ms);
  bench.wait_for_end(*run);
  CHECK(run->result->kind == AttemptResult::Kind::stopped);
  CHECK(now() - asked >= 200ms);
  bench.wait_until_gone(child);
  bench.wait_until_gone(leader);
}

TEST_CASE("stopping a command that has just ended changes nothing") {
  CommandBench bench;
  const auto run = bench.start("exit 0");
  bench.wait_for_end(*run);
  run->command->stop(0ms);
  CHECK(run->result->kind == AttemptResult::Kind::success);
}

TEST_CASE("killing a command ends it at once, without a result") {
  CommandBench bench;
  const auto run = bench.start("trap '' TERM; echo leader $$; while :; do sleep 600; done");
  const pid_t leader = bench.wait_for_pid("leader");
  run->command->kill();
  bench.wait_until_gone(leader);
  CHECK_FALSE(run->result);
}

TEST_CASE("a daemonised grandchild that holds the output delays the end by 100 ms and is killed") {
  CommandBench bench;
  const auto run = bench.start("sleep 600 & echo daemon $!; echo end");
  const pid_t daemon = bench.wait_for_pid("daemon");
  bench.wait_for_line("end");
  const EpochTime seen = now();
  bench.wait_for_end(*run);
  CHECK(run->result->kind == AttemptResult::Kind::success);
  CHECK(*run->ended - seen < 5s);
  bench.wait_until_gone(daemon);
}

TEST_CASE("a descendant that left the group is killed when the task ends") {
  for (const char* leave : {"setsid", "setsid setsid", "perl -e 'setpgrp(0,0); exec @ARGV'"}) {
    CAPTURE(leave);
    CommandBench bench;
    const auto run = bench.start("mkfifo fifo; " + std::string(leave) +
                                 " sh -c 'echo escaped $$; echo go > fifo; exec sleep 600 "
                                 ">/dev/null 2>&1' & read -r line < fifo");
    const pid_t escaped = bench.wait_for_pid("escaped");
    bench.wait_for_end(*run);
    CHECK(run->result->kind == AttemptResult::Kind::success);
    bench.wait_until_gone(escaped);
  }
}

TEST_CASE("a whole tree outside the group is killed, also what lost its environment") {
  CommandBench bench;
  const auto run = bench.start(
      "mkfifo fifo; env -i PATH=$PATH setsid sh -c '"
      "setsid sleep 600 & echo inner $!; sleep 600 & echo outer $!; echo go > fifo; wait' "
      ">&2 & read -r line < fifo");
  const pid_t inner = bench.wait_for_pid("inner");
  const pid_t outer = bench.wait_for_pid("outer");
  bench.wait_for_end(*run);
  CHECK(run->result->kind == AttemptResult::Kind::success);
  bench.wait_until_gone(inner);
  bench.wait_until_gone(outer);
}

TEST_CASE("the end of one task leaves the daemons of another one alone") {
  CommandBench bench;
  const auto other = bench.start(
      "(setsid sh -c 'echo daemon $$; exec sleep 600' &); exec sleep 600", "r1/other/1");
  const pid_t daemon = bench.wait_for_pid("daemon");
  CHECK(bench.run("exit 0").kind == AttemptResult::Kind::success);
  CHECK(is_alive(daemon));
  other->command->kill();
  bench.wait_until_gone(daemon);
}

TEST_CASE("a program that writes without end is read on, and only 64 KiB are passed on") {
  CommandBench bench;
  const auto run = bench.start("yes 0123456789");
  bench.wait_until([&] { return bench.output().size() >= extension::kMostOutputBytes; });
  run->command->stop(0ms);
  bench.wait_for_end(*run);
  CHECK(run->result->kind == AttemptResult::Kind::stopped);
  bench.wait_until([&] { return bench.output().find("not passed on") != std::string::npos; });
  const std::size_t log_line = bench.output().find(R"({"postlude":"log")");
  CHECK(log_line == extension::kMostOutputBytes);
  CHECK(bench.output().find(R"("task":"r1/a/1")") != std::string::npos);
  CHECK(bench.output().find('\n', log_line) == bench.output().size() - 1);
}

TEST_CASE("a command that was stopped by a signal has not ended") {
  CommandBench bench;
  const auto run = bench.start("echo leader $$; kill -STOP $$; echo woken");
  const pid_t leader = bench.wait_for_pid("leader");
  bench.wait_until([leader] { return process_state(leader) == 'T'; });
  CHECK_FALSE(run->result);
  ::kill(leader, SIGCONT);
  bench.wait_for_end(*run);
  CHECK(run->result->kind == AttemptResult::Kind::success);
  bench.wait_for_line("woken");
}

TEST_CASE("a program that exists but cannot run is refused with a reason that names it") {
  CommandBench bench;
  const auto why_of = [&bench](std::string_view content) {
    const std::string path = bench.folder().write_program("program", content);
    auto spec = bench.spec({{path}, {}, {}}, "r1/a/1");
    REQUIRE(spec);
    extension::RunCommand command(bench.place(), "r1/a/1");
    const auto started = command.start(std::move(*spec), {}, {}, [](const auto&) {});
    REQUIRE_FALSE(started);
    CHECK(started.error().kind == AttemptResult::Kind::refused);
    CHECK(started.error().why.find(path) == 0);
    return started.error().why;
  };
  CHECK(why_of("#!/no/such/interpreter\n").find("interpreter") != std::string::npos);
  CHECK(why_of("echo no first line\n").find("#! line") != std::string::npos);
}

}  // namespace postlude::extension
