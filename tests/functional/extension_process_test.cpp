#include "tests/functional/extension_process.h"

#include "tests/fakes/process_watch.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace postlude::testing {
using namespace std::chrono_literals;

namespace {

/// Scripts print "NAME PID .NAME", so that the number is known to be whole.
std::string say_pid(const std::string& name, const std::string& pid = "$$") {
  return "echo " + name + " " + pid + " ." + name + "; ";
}

bool spool_is_empty(ExtensionProcess& extension) {
  return std::filesystem::is_empty(extension.spool().folder());
}

}  // namespace

TEST_CASE("a registered extension holds an invocation until its task ended, then polls") {
  ExtensionProcess extension;
  extension.start_registered();
  extension.platform().send_invoke("r1");
  extension.accept({.script = "cat; until test -e go; do sleep 0.02; done"});
  extension.close(1);
  extension.wait_for_output(R"("event":{"k": "v"})");
  CHECK_FALSE(extension.platform().has_request());
  CHECK_FALSE(extension.has_message());
  extension.folder().write("go", "");
  const auto settled = extension.expect<Settled>();
  CHECK(settled.key == ExtensionProcess::key(1));
  CHECK(settled.carried == 0);
  extension.platform().expect_poll();
  const std::string& output = extension.wait_for_output(R"("postlude":"receipt")");
  CHECK(output.find(R"("id":"r1/a/1","name":"a","state":"done")") != std::string::npos);
  CHECK(spool_is_empty(extension));
}

TEST_CASE("an invocation without tasks is released at once, whichever news comes first") {
  ExtensionProcess extension;
  extension.start_registered();
  extension.close(1);
  CHECK(extension.expect<Settled>().key == ExtensionProcess::key(1));
  extension.platform().send_invoke("r1");
  extension.platform().expect_poll();
  extension.platform().send_invoke("r2");
  extension.close(2);
  CHECK(extension.expect<Settled>().key == ExtensionProcess::key(2));
  extension.platform().expect_poll();
  CHECK(extension.output().empty());
}

TEST_CASE("an extension that the platform refused runs tasks and reports, but never polls") {
  ExtensionProcess extension;
  extension.start_driven();
  extension.accept({.script = "exit 3"});
  extension.close(1);
  CHECK(extension.expect<Settled>().key == ExtensionProcess::key(1));
  const std::string& output = extension.wait_for_output(R"("why":"exit status 3")");
  CHECK(output.find(R"("level":"WARN")") != std::string::npos);
  extension.close(2);
  CHECK(extension.expect<Settled>().key == ExtensionProcess::key(2));
  CHECK_FALSE(extension.platform().has_request());
}

TEST_CASE("a platform that does not answer at all makes the extension driven") {
  ExtensionProcess extension;
  extension.platform().stop_listening();
  extension.send_hello();
  static_cast<void>(extension.expect<Replayed>());
  const auto registered = extension.expect<Registered>();
  CHECK_FALSE(registered.accepted);
  CHECK(registered.reason.find("Connection refused") != std::string::npos);
}

TEST_CASE("a registration that is cut or makes no sense counts as refused") {
  for (const char* bytes : {"",
                            "HTTP/1.1 200 OK\r\nContent-Len",
                            "nonsense\r\n\r\n",
                            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}) {
    CAPTURE(bytes);
    ExtensionProcess extension;
    extension.send_hello();
    static_cast<void>(extension.expect<Replayed>());
    static_cast<void>(extension.platform().next_request());
    extension.platform().send(bytes);
    extension.platform().close_connection();
    CHECK_FALSE(extension.expect<Registered>().accepted);
  }
}

TEST_CASE("a refused poll is tried once more after the next settled invocation, then never") {
  ExtensionProcess extension;
  extension.start_registered();
  extension.platform().answer(403, R"({"errorType":"Extension.InvalidExtensionState"})");
  extension.close(1);
  extension.wait_for_output("Extension.InvalidExtensionState");
  static_cast<void>(extension.expect<Settled>());
  extension.platform().expect_poll();
  extension.platform().answer(403, "{}");
  extension.close(2);
  extension.wait_for_output(R"(poll for the next event: 403")");
  static_cast<void>(extension.expect<Settled>());
  extension.close(3);
  static_cast<void>(extension.expect<Settled>());
  CHECK_FALSE(extension.platform().has_request());
}

TEST_CASE("a connection that the platform closed between two polls is made anew") {
  ExtensionProcess extension;
  extension.start_registered();
  extension.platform().send_invoke("r1");
  extension.platform().close_connection();
  extension.close(1);
  static_cast<void>(extension.expect<Settled>());
  extension.platform().expect_poll();
}

TEST_CASE("work that the deadline cuts is carried and runs after the next answer") {
  ExtensionProcess extension;
  extension.start_driven();
  extension.accept({.script = "test -e go || exec sleep 600; cat", .time_left = 300ms});
  extension.close(1, 300ms);
  CHECK(extension.expect<Settled>().carried == 1);
  extension.wait_for_output(R"("state":"carried")");
  CHECK(std::filesystem::exists(extension.spool_file("000000-0000000001-0-1-q.task")));
  extension.folder().write("go", "");
  extension.answer(2, 20s);
  extension.wait_for_output(R"("attempt":1,"requestId":"r1")");
  extension.close(2);
  CHECK(extension.expect<Settled>().carried == 0);
  extension.wait_for_output(R"("requestId":"r2")");
  extension.wait_for_output(R"("state":"done")");
  CHECK(spool_is_empty(extension));
}

TEST_CASE("a task runs although the function removed the whole spool meanwhile") {
  ExtensionProcess extension;
  extension.start_driven();
  extension.accept({.script = "until test -e go; do sleep 0.02; done; exit 1", .attempts = 2});
  extension.accept({.script = "cat"});
  extension.wait_for_output(R"("event":{"k": "v"})");
  // The extension removes the second task's record at the same time: what is gone already is fine.
  const std::filesystem::path spool = extension.folder().file("spool");
  for (std::error_code gone; std::filesystem::exists(spool);) {
    std::filesystem::remove_all(spool, gone);
  }
  extension.folder().write("go", "");
  extension.close(1);
  CHECK(extension.expect<Settled>().carried == 0);
  extension.wait_for_output(R"("state":"failed","attempts":2)");
}

TEST_CASE("a record that is missing or damaged is a dropped task") {
  ExtensionProcess extension;
  extension.start_driven();
  extension.answer(1, 20s);
  extension.send(Accepted{ExtensionProcess::key(1), "000000-0000000001-0-0-q.task", "r1/gone/1"});
  extension.send(Accepted{ExtensionProcess::key(1), "../../etc/passwd", "r1/odd/1"});
  const std::string damaged = "000000-0000000002-0-0-q.task";
  REQUIRE(extension.spool().write_capture(damaged, R"({"id":)"));
  extension.send(Accepted{ExtensionProcess::key(1), damaged, "r1/cut/1"});
  // What is known of it stays until its end is told.
  extension.wait_for_output("find what else does");
  CHECK(extension.spool_files() == std::vector<std::string>{damaged});
  extension.close(1);
  CHECK(extension.expect<Settled>().carried == 0);
  const std::string& output = extension.wait_for_output(R"("message":"deferred work: 3 dropped")");
  CHECK(output.find(extension.spool().folder() + "/" + damaged) != std::string::npos);
  for (const char* name : {"gone", "odd", "cut"}) {
    const std::string told =
        fmt::format(R"({{"id":"r1/{0}/1","name":"{0}","state":"dropped")", name);
    CHECK(output.find(told) != std::string::npos);
  }
  CHECK(extension.spool_files() == std::vector<std::string>{damaged + ".damaged"});
}

TEST_CASE("packets that are no message are reported and ignored") {
  ExtensionProcess extension;
  extension.start_driven();
  extension.send_bytes("nonsense");
  extension.send_bytes(R"({"type":"unheard"})");
  extension.send_bytes(R"({"type":"closed"})");
  extension.send(Settled{ExtensionProcess::key(1), 0});
  extension.send_hello();
  extension.close(1);
  CHECK(extension.expect<Settled>().key == ExtensionProcess::key(1));
  extension.wait_for_output("a second hello");
}

TEST_CASE("a first message that is no hello of our version ends the extension with a clear error") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"type":"hello","protocol":999})",
       fmt::format("protocol 999 instead of {}", kProtocolVersion)},
      {"nonsense", "the shim's first message: "},
      {R"({"type":"empty"})", "it is no hello"}};
  for (const auto& entry : cases) {
    const std::string& packet = entry.first;
    CAPTURE(packet);
    ExtensionProcess extension;
    extension.send_bytes(packet);
    extension.wait_for_output(entry.second);
    CHECK(extension.wait_for_exit() == 1);
  }
}

TEST_CASE("the extension ends with its link, and so do its commands") {
  ExtensionProcess extension;
  extension.start_driven();
  extension.accept({.script = say_pid("leader") + "exec sleep 600"});
  const pid_t leader = extension.wait_for_pid("leader");
  extension.hang_up();
  CHECK(extension.wait_for_exit() == 0);
  CHECK(wait_until_dead(leader));
}

TEST_CASE("an extension that ends with its link tells what no record would tell another process") {
  ExtensionProcess extension;
  extension.start_driven();
  extension.accept({.script = "echo begun; exec sleep 600"});
  extension.wait_for_output("begun\n");
  extension.send(Dropped{ExtensionProcess::key(1), "r1/lost/1", "lost", "the disk is full"});
  extension.send(Ping{1});
  CHECK(extension.expect<Pong>().number == 1);
  extension.hang_up();
  CHECK(extension.wait_for_exit() == 0);
  extension.wait_for_output(
      R"("requestId":"r1","tasks":[{"id":"r1/lost/1","name":"lost","state":"dropped","attempts":0,"ms":0,"why":"the disk is full"}])");
  CHECK(extension.output().find("r1/a/1\",\"name") == std::string::npos);
  CHECK(extension.spool_files().front() == "000000-0000000001-1-0-r.task");
}

TEST_CASE("SIGTERM ends the extension and its commands, also those that ignore it") {
  ExtensionProcess extension;
  extension.start_registered();
  extension.accept({.script = "trap '' TERM; (setsid sh -c '" + say_pid("escaped") +
                              "exec sleep 600' &); exec sleep 600"});
  const pid_t escaped = extension.wait_for_pid("escaped");
  const EpochTime asked = now();
  ::kill(extension.pid(), SIGTERM);
  CHECK(extension.wait_for_exit() == 0);
  CHECK(now() - asked < 5s);
  CHECK(wait_until_dead(escaped));
}

TEST_CASE(
    "at shutdown commands are killed, the rest expires in a receipt, and empty is the last word") {
  ExtensionProcess extension;
  extension.start_registered();
  extension.accept({.script = say_pid("leader") + "trap '' TERM; while :; do sleep 1; done"});
  extension.accept({.script = "true", .invocation = 2, .time_left = 0ms});
  const pid_t leader = extension.wait_for_pid("leader");
  extension.send(ShutDown{now() + 400ms});
  static_cast<void>(extension.expect<Empty>());
  CHECK(extension.wait_for_exit() == 0);
  CHECK(wait_until_dead(leader));
  const std::string& output = extension.wait_for_output(R"("requestId":"r2")");
  CHECK(output.find(R"("state":"expired","attempts":0)") != std::string::npos);
  CHECK(output.find(R"("why":"the environment ended")") != std::string::npos);
}

TEST_CASE("a shutdown with nothing to do is answered at once") {
  ExtensionProcess extension;
  extension.start_registered();
  extension.send(ShutDown{now() + 400ms});
  static_cast<void>(extension.expect<Empty>());
  CHECK(extension.wait_for_exit() == 0);
}

TEST_CASE("a program that cannot be run fails with a reason, and the invocation goes on") {
  ExtensionProcess extension;
  extension.start_driven();
  extension.accept({.script = "cat"});
  TaskRecord record;
  record.key = ExtensionProcess::key(1);
  record.id = "r1/missing/2";
  record.work_deadline = now() + 20s;
  record.deadline = now() + 21s;
  record.task.name = "missing";
  record.task.attempts = 3;
  record.task.action = CommandAction{{"bin/none"}, {}, {}};
  REQUIRE(extension.spool().write_record({2, 0, 0}, record));
  extension.send(Accepted{record.key, "000000-0000000002-0-0-q.task", record.id});
  extension.close(1);
  CHECK(extension.expect<Settled>().carried == 0);
  extension.wait_for_output("bin/none does not exist");
  CHECK(extension.output().find(R"("state":"done")") != std::string::npos);
}

}  // namespace postlude::testing
