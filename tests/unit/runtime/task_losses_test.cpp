// What becomes of tasks whose extension is gone for good.
#include "tests/unit/runtime/invocation_flow_fixture.h"

#include <filesystem>

using namespace postlude;
using namespace postlude::runtime;

namespace {

constexpr std::uint64_t kFirst = numbers_of_generation(1) + 1;

RecordName named(std::uint64_t number, int attempts, RecordMark mark) {
  return {.number = number, .attempts = attempts, .mark = mark};
}

/// "<id> <state> <attempts> <why>"
Lines told(const std::vector<TaskJournal::Lost>& lost) {
  Lines lines;
  for (const auto& [key, task] : lost) {
    lines.push_back(fmt::format(
        "{} {} {} {}", task.id, state_name(task.state), task.attempts, task.why.value_or("-")));
  }
  return lines;
}

}  // namespace

TEST_CASE("the records of an open invocation stay until its receipt is written") {
  Flow flow({command_task("t", When::always)});
  flow.deliver("r1");
  flow.respond("r1");
  const auto whole = flow.spooled();
  CHECK_FALSE(whole.empty());
  flow.flow().extension_is(ExtensionState::unavailable);
  CHECK(flow.spooled() == whole);
  flow.ask_next();
  CHECK(flow.spooled().empty());
}

TEST_CASE("those of one that is closed go at once, for so does its receipt") {
  Flow flow({command_task("t", When::always)});
  flow.deliver("r1");
  flow.respond("r1");
  flow.ask_next();
  flow.deliver("r2");
  flow.respond("r2");
  CHECK(flow.spool().records()->size() == 2);
  flow.flow().extension_is(ExtensionState::unavailable);
  REQUIRE(flow.spool().records()->size() == 1);
  CHECK(flow.spool().records()->front().number == kFirst + 1);
}

TEST_CASE("what an extension with nothing left has told is not told again in a cleaned spool") {
  Flow flow({command_task("t", When::always)});
  flow.deliver("r1");
  flow.respond("r1");
  flow.journal().nothing_left();
  flow.deliver("r2");
  flow.respond("r2");
  std::filesystem::remove_all(flow.spool().folder());
  CHECK(told(flow.journal().lose(Loss::environment_ends)) ==
        Lines{"r2/t/1 expired 0 the environment ended"});
}

TEST_CASE("an extension with nothing left may not have read what has a record") {
  Flow flow({command_task("t", When::always)});
  flow.deliver("r1");
  flow.respond("r1");
  flow.journal().nothing_left();
  CHECK(told(flow.journal().lose(Loss::environment_ends)) ==
        Lines{"r1/t/1 expired 0 the environment ended"});
}

TEST_CASE("at the end of the environment tasks end as the extension would have ended them") {
  std::vector<Task> tasks;
  for (const char* name : {"waits", "runs", "used-up", "to-spill", "done"}) {
    tasks.push_back(command_task(name, When::always));
  }
  tasks[3].attempts = 2;
  Flow flow(tasks);
  flow.deliver("r1");
  flow.respond("r1");
  std::uint64_t number = kFirst;
  for (const RecordName& name : {named(number++, 0, RecordMark::waiting),
                                 named(number++, 1, RecordMark::running),
                                 named(number++, 1, RecordMark::spilling),
                                 named(number++, 1, RecordMark::spilling),
                                 named(number++, 1, RecordMark::done)}) {
    REQUIRE(flow.spool().rename_record({.number = name.number}, name));
  }
  const auto lost = flow.journal().lose(Loss::environment_ends);
  CHECK(told(lost) == Lines{"r1/waits/1 expired 0 the environment ended",
                            "r1/runs/1 expired 0 the environment ended",
                            "r1/used-up/1 failed 1 the environment ended",
                            "r1/to-spill/1 expired 1 the environment ended",
                            "r1/done/1 done 1 -"});
}

TEST_CASE("at the end of the environment the tasks of older generations are told of as well") {
  Flow flow({command_task("t", When::always)});
  TaskRecord older;
  older.id = "r0/t/1";
  older.key = {"r0", 7};
  older.task = command_task("t", When::always);
  REQUIRE(flow.spool().write_record(named(7, 2, RecordMark::waiting), older).has_value());
  flow.deliver("r1");
  flow.respond("r1");
  CHECK(told(flow.journal().lose(Loss::environment_ends)) ==
        Lines{"r1/t/1 expired 0 the environment ended", "r0/t/1 expired 2 the environment ended"});
  CHECK(flow.journal().lost_in() == std::vector<std::uint64_t>{7, kFirst});
  flow.journal().remove_lost(7);
  flow.journal().remove_lost(kFirst);
  CHECK(flow.spooled().empty());
}

TEST_CASE("before its receipt a lost task is noted as ended, so that nobody runs it again") {
  Flow flow({command_task("waits", When::always), command_task("runs", When::always)});
  flow.deliver("r1");
  flow.respond("r1");
  REQUIRE(flow.spool().rename_record({.number = kFirst + 1},
                                     named(kFirst + 1, 1, RecordMark::running)));
  static_cast<void>(flow.journal().lose(Loss::no_successor));
  flow.journal().note_lost(kFirst);
  CHECK(*flow.spool().records() == std::vector{named(kFirst, 0, RecordMark::dropped),
                                               named(kFirst + 1, 0, RecordMark::dropped)});
  flow.journal().remove_lost(kFirst);
  CHECK(flow.spooled().empty());
}

TEST_CASE("a failure task of a runtime that died waits for the next generation all the same") {
  Flow flow({command_task("t", When::failure)});
  flow.deliver("r1");
  flow.flow().runtime_died({ExitStatus::Kind::signalled, 9});
  REQUIRE(flow.spool().records()->size() == 1);
  flow.flow().extension_lost(Loss::environment_ends);
  CHECK(flow.spool().records()->size() == 1);
}

TEST_CASE("the end of the environment does not wait for the receipt of an open invocation") {
  Flow flow({command_task("t", When::always)});
  flow.deliver("r1");
  flow.respond("r1");
  flow.flow().extension_lost(Loss::environment_ends);
  CHECK(flow.lost == Lines{"r1/t/1"});
  CHECK(flow.spooled().empty());
}

TEST_CASE("tasks of a folder that the function cleaned away expire with the environment") {
  Flow flow({command_task("t", When::always)});
  flow.deliver("r1");
  flow.respond("r1");
  std::filesystem::remove_all(flow.spool().folder());
  CHECK(told(flow.journal().lose(Loss::environment_ends)) ==
        Lines{"r1/t/1 expired 0 the environment ended"});
}
