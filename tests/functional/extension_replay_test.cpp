#include "tests/fakes/process_watch.h"
#include "tests/functional/extension_process.h"

#include <doctest/doctest.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

namespace postlude::testing {
using namespace std::chrono_literals;

using Files = std::vector<std::string>;

namespace {

/// Says that it runs, and waits for the file "go".
const std::string kWaits = "echo begun $POSTLUDE_ATTEMPT; until test -e go; do sleep 0.02; done; ";

int count(const std::string& text, std::string_view part) {
  int found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++found;
  }
  return found;
}

std::size_t open_descriptors(pid_t process) {
  std::size_t open = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/fd")) {
    open += entry.path().empty() ? 0U : 1U;
  }
  return open;
}

void remove_spool(ExtensionProcess& extension) {
  // The extension may be removing or renaming at the same time: what is gone already is fine.
  const std::filesystem::path spool = extension.folder().file("spool");
  for (std::error_code gone; std::filesystem::exists(spool);) {
    std::filesystem::remove_all(spool, gone);
  }
}

}  // namespace

TEST_CASE("an attempt that a crash cuts runs again, as the same attempt, and ends in one receipt") {
  ExtensionProcess extension;
  extension.start_driven();
  extension.accept({.script = "echo leader $$ .leader; " + kWaits + "cat"});
  const pid_t leader = extension.wait_for_pid("leader");
  extension.wait_for_output("begun 1\n");
  CHECK(extension.spool_files() == Files{"000000-0000000001-1-0-r.task", "1.answer", "1.event"});
  extension.kill();
  CHECK(wait_until_dead(leader));
  extension.folder().write("go", "");
  CHECK(extension.replace().carried == 1);
  CHECK(extension.spool_files() == Files{"000000-0000000001-0-1-q.task", "1.answer", "1.event"});
  extension.answer(1, 20s);
  extension.close(1);
  CHECK(extension.expect<Settled>().carried == 0);
  extension.wait_for_output(R"("postlude":"receipt")");
  CHECK(count(extension.output(), "begun 1\n") == 2);
  CHECK(count(extension.output(), R"("state":"done","attempts":1)") == 1);
  CHECK(extension.output().find(R"("event":{"k": "v"})") != std::string::npos);
  CHECK(extension.spool_files().empty());
}

TEST_CASE("with replay false an attempt that a crash cuts never runs again, and says so at once") {
  ExtensionProcess extension;
  extension.start_driven();
  extension.accept({.script = kWaits, .replay = false});
  extension.wait_for_output("begun 1\n");
  extension.kill();
  CHECK(extension.replace().carried == 0);
  extension.wait_for_output(
      R"("state":"expired","attempts":0,"ms":0,"why":"interrupted by a crash, and replay is false")");
  extension.close(1);
  CHECK(extension.expect<Settled>().key == ExtensionProcess::key(1));
  CHECK(count(extension.output(), "begun") == 1);
  CHECK(extension.spool_files().empty());
}

TEST_CASE("a task that did not begin yet runs with replay false too") {
  ExtensionProcess extension;
  extension.start_driven();
  extension.accept({.script = "true", .time_left = 0ms, .replay = false});
  extension.close(1, 0ms);
  CHECK(extension.expect<Settled>().carried == 1);
  extension.kill();
  CHECK(extension.replace().carried == 1);
  extension.close(2);
  CHECK(extension.expect<Settled>().carried == 0);
  extension.wait_for_output(R"("state":"done","attempts":1)");
}

TEST_CASE("an end that no receipt told yet is told at once by the next process") {
  ExtensionProcess extension;
  extension.start_driven();
  extension.accept({.script = "exit 0"});
  extension.accept({.script = "exit 3"});
  extension.accept({.script = kWaits});
  extension.wait_for_output("begun 1\n");
  const Files ended = {"000000-0000000001-1-0-d.task", "000000-0000000002-1-0-f.task"};
  for (Files files = extension.spool_files(); Files(files.begin(), files.begin() + 2) != ended;
       files = extension.spool_files()) {
    extension.send(Ping{1});
    CHECK(extension.expect<Pong>().number == 1);
  }
  extension.kill();
  CHECK(extension.replace().carried == 1);
  extension.wait_for_output(R"("id":"r1/a/1","name":"a","state":"done")");
  extension.wait_for_output(R"("id":"r1/a/2","name":"a","state":"failed","attempts":1)");
  CHECK(extension.spool_files() == Files{"000000-0000000003-0-1-q.task", "1.answer", "1.event"});
  extension.folder().write("go", "");
  extension.answer(1, 20s);
  extension.close(1);
  CHECK(extension.expect<Settled>().carried == 0);
  extension.wait_for_output(R"("id":"r1/a/3","name":"a","state":"done")");
  CHECK(count(extension.output(), R"("id":"r1/a/1")") == 1);
  CHECK(extension.spool_files().empty());
}

TEST_CASE("a fourth interruption expires a task, also where all are crashes") {
  ExtensionProcess extension;
  extension.start_driven();
  extension.accept({.script = kWaits});
  for (int crash = 1; crash <= 4; ++crash) {
    while (count(extension.output(), "begun 1\n") < crash) {
      extension.wait_for_more_output();
    }
    extension.kill();
    CHECK(extension.replace().carried == (crash < 4 ? 1 : 0));
    extension.answer(1, 20s);
  }
  extension.wait_for_output("cut short 4 times, at last by a crash");
  CHECK(extension.spool_files().empty());
}

TEST_CASE("what was replayed is not accepted again, what came later is") {
  ExtensionProcess extension;
  extension.start_driven();
  extension.accept({.script = "echo first; true"});
  extension.kill();
  CHECK(extension.replace().carried <= 1);
  extension.send(Accepted{ExtensionProcess::key(1), "000000-0000000001-0-0-q.task", "r1/a/1"});
  extension.accept({.script = "echo second; true"});
  extension.answer(1, 20s);
  extension.close(1);
  CHECK(extension.expect<Settled>().carried == 0);
  extension.wait_for_output(R"("id":"r1/a/2")");
  CHECK(count(extension.output(), "dropped") == 0);
  CHECK(extension.spool_files().empty());
}

TEST_CASE("many carried tasks run in the order of their acceptance, with few descriptors") {
  constexpr int kTasks = 1000;
  ExtensionProcess extension;
  for (std::uint64_t number = 1; number <= kTasks; ++number) {
    extension.write({.script = "echo run $POSTLUDE_TASK_ID.", .invocation = number});
  }
  extension.kill();
  CHECK(extension.replace().carried == kTasks);
  CHECK(open_descriptors(extension.pid()) < 400);
  extension.answer(kTasks + 1, 60s);
  extension.close(kTasks + 1, 60s);
  while (count(extension.output(), R"("state":"done")") < kTasks) {
    extension.wait_for_more_output();
  }
  CHECK(extension.expect<Settled>().carried == 0);
  CHECK(count(extension.output(), "run r") == kTasks);
  // Four run at once, so only those far apart have an order.
  CHECK(extension.output().find("run r1/a/1.") < extension.output().find("run r100/a/100."));
  CHECK(extension.output().find("run r500/a/500.") < extension.output().find("run r900/a/900."));
  CHECK(extension.spool_files().empty());
}

TEST_CASE("a damaged record is set aside and named, and the others run") {
  ExtensionProcess extension;
  extension.write({.script = "true"});
  extension.write({.script = "true"});
  REQUIRE(extension.spool().write_capture("000000-0000000001-0-0-q.task", R"({"id":"r1/a)"));
  extension.kill();
  CHECK(extension.replace().carried == 1);
  extension.wait_for_output("set aside as 000000-0000000001-0-0-q.task.damaged");
  // Nobody can say whose it was.
  CHECK(count(extension.output(), "receipt") == 0);
  extension.close(1);
  CHECK(extension.expect<Settled>().carried == 0);
  extension.wait_for_output(R"("id":"r1/a/2","name":"a","state":"done")");
  CHECK(extension.spool_files() == Files{"000000-0000000001-0-0-q.task.damaged"});
}

TEST_CASE(
    "a damaged record that tells whose it was ends in a receipt of its own, then is set aside") {
  ExtensionProcess extension;
  const Files records = {format_record_name(extension.write({.script = "echo ran"})),
                         "000000-0000000002-1-0-d.task"};
  extension.spool().remove_record(extension.write({.script = "echo ran"}));
  const std::string left = R"({"id":"r1/a/1","requestId":"r1","seq)";
  const std::string ended = R"({"id":"r1/a/2","requestId":"r1"})";
  REQUIRE(extension.spool().write_capture(records[0], left));
  REQUIRE(extension.spool().write_capture(records[1], ended));
  extension.kill();
  CHECK(extension.replace().carried == 0);
  extension.wait_for_output(
      R"("requestId":"r1","tasks":[{"id":"r1/a/1","name":"a","state":"dropped","attempts":0,"ms":0,"why":"its record cannot be read: )");
  // Its name tells that it had been done.
  extension.wait_for_output(R"("id":"r1/a/2","name":"a","state":"done","attempts":1)");
  extension.close(1);
  CHECK(extension.expect<Settled>().carried == 0);
  CHECK(extension.spool_files() == Files{records[0] + ".damaged", records[1] + ".damaged"});
  CHECK(count(extension.output(), "ran\n") == 0);
}

TEST_CASE("a task whose match was not looked at yet is looked at in replay") {
  ExtensionProcess extension;
  extension.write({.script = "echo wrong", .match = {{"response.statusCode", {"500"}}}});
  extension.write({.script = "echo right", .match = {{"response.statusCode", {"200"}}}});
  extension.kill();
  CHECK(extension.replace().carried == 1);
  extension.close(1);
  CHECK(extension.expect<Settled>().carried == 0);
  extension.wait_for_output(R"("id":"r1/a/2","name":"a","state":"done")");
  CHECK(count(extension.output(), "wrong") == 0);
  CHECK(count(extension.output(), "r1/a/1") == 0);
  CHECK(extension.spool_files().empty());
}

TEST_CASE("bodies that no task needs any more are removed, those of an open invocation later") {
  constexpr std::uint64_t kOpen = numbers_of_generation(1) + 5;
  ExtensionProcess extension;
  const std::string open_body = std::to_string(kOpen) + ".event";
  REQUIRE(extension.spool().write_capture("7.event", "old"));
  REQUIRE(extension.spool().write_capture("7.error", "old"));
  REQUIRE(extension.spool().write_capture(open_body, "being written"));
  extension.write({.script = "true"});
  extension.kill();
  CHECK(extension.replace().carried == 1);
  CHECK(extension.spool_files() ==
        Files{"000000-0000000001-0-0-q.task", "1.answer", "1.event", open_body});
  extension.close(kOpen);
  CHECK(extension.expect<Settled>().carried == 0);
  CHECK(extension.spool_files().empty());
}

TEST_CASE("what a function removed from the spool is written again, and survives a crash") {
  ExtensionProcess extension;
  extension.start_driven();
  extension.accept({.script = kWaits + "exit 1", .attempts = 2});
  extension.accept({.script = "echo second begun; cat; sleep 600"});
  extension.accept({.script = "cat", .invocation = 2, .time_left = 0ms});
  extension.wait_for_output("second begun");
  extension.wait_for_output("begun 1\n");
  extension.close(2, 0ms);
  CHECK(extension.expect<Settled>().carried == 1);
  remove_spool(extension);
  extension.folder().write("go", "");
  extension.wait_for_output("begun 2\n");
  extension.kill();
  const Files files = extension.spool_files();
  // The second attempt of the first may have ended by now.
  REQUIRE(files.size() == 7);
  CHECK(files.at(1) == "000000-0000000002-1-0-r.task");
  CHECK(files.at(2) == "000000-0000000003-0-0-q.task");
  CHECK(Files(files.begin() + 3, files.end()) ==
        Files{"1.answer", "1.event", "2.answer", "2.event"});
  CHECK(extension.replace().carried >= 2);
}

TEST_CASE("a process whose spool a newer generation has ends without a word and touches nothing") {
  ExtensionProcess extension;
  extension.start_driven();
  extension.accept({.script = "echo leader $$ .leader; exec sleep 600"});
  extension.accept({.script = kWaits});
  const pid_t leader = extension.wait_for_pid("leader");
  extension.wait_for_output("begun 1\n");
  auto newer = Spool::create(extension.folder().file("spool"), "stream");
  REQUIRE(newer);
  extension.close(1);
  extension.folder().write("go", "");
  CHECK(extension.wait_for_exit() == 0);
  CHECK(wait_until_dead(leader));
  CHECK(count(extension.output(), "receipt") == 0);
  CHECK_FALSE(std::filesystem::exists(extension.spool().folder()));
  CHECK(newer->records()->size() == 2);
}

TEST_CASE("a driven extension does not register, and answers pings at once") {
  ExtensionProcess extension;
  extension.kill();
  CHECK(extension.replace().carried == 0);
  extension.accept({.script = kWaits});
  extension.wait_for_output("begun 1\n");
  extension.send(Ping{7});
  CHECK(extension.expect<Pong>().number == 7);
  extension.folder().write("go", "");
  extension.close(1);
  CHECK(extension.expect<Settled>().key == ExtensionProcess::key(1));
  CHECK_FALSE(extension.platform().has_request());
}

}  // namespace postlude::testing
