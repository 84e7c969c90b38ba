#include "tests/unit/runtime/invocation_flow_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <filesystem>
#include <string>

using namespace postlude;
using namespace postlude::runtime;

TEST_CASE(
    "tasks are accepted when the platform took the answer, and the invocation closes at next") {
  Flow flow({command_task("audit", When::success)});
  flow.deliver("r1", R"({"order":1})");
  CHECK(flow.messages().empty());
  flow.respond("r1");
  CHECK(flow.messages() == Lines{"answered", "accepted audit"});
  CHECK(flow.last_record.id == "r1/audit/1");
  CHECK(flow.file(flow.last_record.bodies.event) == R"({"order":1})");
  CHECK(flow.file(flow.last_record.bodies.response) == R"("ok")");
  flow.ask_next();
  CHECK(flow.messages() == Lines{"closed"});
  CHECK(flow.flow().work_pending());
  flow.flow().settled({{"r1", numbers_of_generation(1) + 1}, 0});
  CHECK_FALSE(flow.flow().work_pending());
}

TEST_CASE("without tasks an invocation sends one message") {
  Flow flow({});
  flow.deliver("r1");
  flow.respond("r1");
  flow.ask_next();
  CHECK(flow.messages() == Lines{"closed"});
  CHECK_FALSE(flow.flow().work_pending());
}

TEST_CASE("each task waits for its own outcome") {
  const std::vector<Task> tasks = {command_task("good", When::success),
                                   command_task("bad", When::failure),
                                   command_task("any", When::always)};
  Flow succeeds(tasks);
  succeeds.deliver("r1");
  succeeds.respond("r1");
  CHECK(succeeds.messages() == Lines{"answered", "accepted good", "accepted any"});

  Flow fails(tasks);
  fails.deliver("r1");
  fails.post_error("r1");
  CHECK(fails.messages() == Lines{"answered", "accepted bad", "accepted any"});
  CHECK(fails.last_record.bodies.response.empty());
  CHECK(fails.file(fails.last_record.bodies.error) == "{}");
}

TEST_CASE("a task on demand does not run by itself") {
  Task task = command_task("later", When::always);
  task.trigger = Trigger::demand;
  Flow flow({task});
  flow.deliver("r1");
  flow.respond("r1");
  flow.ask_next();
  CHECK(flow.messages() == Lines{"closed"});
}

TEST_CASE("a refused answer accepts nothing, and the one that is taken counts") {
  Flow flow({command_task("good", When::success), command_task("bad", When::failure)});
  flow.deliver("r1");
  flow.respond("r1", 403);
  CHECK(flow.messages().empty());
  flow.post_error("r1");
  CHECK(flow.messages() == Lines{"answered", "accepted bad"});
}

TEST_CASE("an error after the answer changes nothing but the receipt") {
  Flow flow({command_task("bad", When::failure)});
  flow.deliver("r1");
  flow.respond("r1");
  flow.post_error("r1");
  flow.ask_next();
  CHECK(flow.messages() == Lines{"closed"});
  CHECK(flow.last_closed.answer.late_error_type == "Function.Oops");
}

TEST_CASE("the same request id again is another invocation") {
  Flow flow({command_task("t", When::always)});
  const auto first = flow.deliver("r1");
  flow.respond("r1");
  flow.ask_next();
  const auto second = flow.deliver("r1");
  CHECK(second == first + 1);
  flow.respond("r1");
  CHECK(flow.messages() == Lines{"answered", "accepted t", "closed", "answered", "accepted t"});
  CHECK(flow.last_record.key == InvocationKey{"r1", second});
}

TEST_CASE("an event that the platform repeats is the same invocation") {
  Flow flow({command_task("t", When::always)});
  const auto first = flow.deliver("r1", "once");
  flow.ask_next();
  CHECK(flow.deliver("r1", "once") == first);
  flow.respond("r1");
  CHECK(flow.messages() == Lines{"answered", "accepted t"});
  CHECK(flow.file(flow.last_record.bodies.event) == "once");
}

TEST_CASE("error trailers make a failure whose error is what they carried") {
  Flow flow({command_task("bad", When::failure)});
  flow.deliver("r1");
  const auto sequence = flow.begin(ExchangeKind::response, "r1", "partial");
  flow.traffic.answer_trailers(sequence,
                               "Lambda-Runtime-Function-Error-Type: Function.Broken\r\n"
                               "Lambda-Runtime-Function-Error-Body: eyJhIjoxfQ==\r\n\r\n");
  flow.traffic.answer_acknowledged(sequence, 202);
  CHECK(flow.messages() == Lines{"answered", "accepted bad"});
  CHECK(flow.file(flow.last_record.bodies.error) == R"({"a":1})");
  CHECK(flow.file(flow.last_record.bodies.response) == "partial");
}

TEST_CASE("carried work is announced by the answer of the next invocation, also without tasks") {
  Flow flow({command_task("bad", When::failure)});
  flow.deliver("r1");
  flow.post_error("r1");
  flow.ask_next();
  flow.flow().settled({{"r1", numbers_of_generation(1) + 1}, 2});
  CHECK(flow.messages() == Lines{"answered", "accepted bad", "closed"});
  flow.deliver("r2");
  flow.respond("r2");
  CHECK(flow.messages() == Lines{"answered"});
  flow.ask_next();
  CHECK(flow.flow().work_pending());
}

TEST_CASE("a spool that cannot take a task ends it dropped, with the reason") {
  Flow flow({command_task("t", When::always)});
  flow.break_spool();
  flow.deliver("r1");
  flow.respond("r1");
  flow.ask_next();
  CHECK(flow.messages() == Lines{"answered", "dropped t: the disk is full", "closed"});
}

TEST_CASE("an environment that always carries a task remembers no more than the spool holds") {
  Flow flow({command_task("t", When::success)});
  std::size_t most = 0;
  for (int call = 0; call < 1100; ++call) {
    const std::string id = std::to_string(call);
    const std::uint64_t sequence = flow.deliver(id);
    flow.respond(id);
    flow.ask_next();
    static_cast<void>(flow.messages());
    // All end but the first.
    if (call > 0) {
      flow.spool().remove_record({.number = sequence});  // one task each: numbered alike
      flow.spool().remove_capture(capture_name(sequence, Body::event));
      flow.spool().remove_capture(capture_name(sequence, Body::answer));
    }
    most = std::max(most, flow.journal().remembered());
  }
  CHECK(most == 1000);
  const auto lost = flow.journal().lose(Loss::no_successor);
  REQUIRE(lost.size() == 1);
  CHECK(lost[0].task.id == "0/t/1");
}

TEST_CASE("a spool at its limit ends tasks dropped and keeps nothing of their invocation") {
  Flow flow({command_task("t", When::always)});
  flow.limit_spool(300);
  flow.deliver("r1", R"({"small":"event"})");
  flow.respond("r1");
  flow.ask_next();
  const Lines told = flow.messages();
  REQUIRE(told.size() == 3);
  CHECK(told[1].starts_with("dropped t: the spool is full: "));
  CHECK(told[1].find("the 300 of POSTLUDE_SPOOL_LIMIT") != std::string::npos);
  CHECK(flow.spooled().empty());
}

TEST_CASE("an event that outgrows the spool takes no room, and neither caller nor others notice") {
  Flow flow({command_task("t", When::always)});
  flow.limit_spool(300'000);
  const std::uint64_t sequence = flow.deliver("r1", std::string(200'000, 'x'));
  CHECK(flow.spooled().size() == 1);
  flow.traffic.event_bytes(sequence, std::string(200'000, 'x'));
  CHECK(flow.spooled().empty());
  flow.traffic.event_bytes(sequence, std::string(200'000, 'x'));
  flow.respond("r1");
  flow.ask_next();
  CHECK(flow.messages().at(1).starts_with("dropped t: the spool is full: "));
  // There is room again for what is smaller.
  flow.deliver("r2", std::string(200'000, 'x'));
  flow.respond("r2");
  flow.ask_next();
  CHECK(flow.messages() == Lines{"answered", "accepted t", "closed"});
  CHECK(flow.spooled().size() == 3);
}

TEST_CASE(
    "the death of the runtime before its answer leaves deferred tasks to the next generation") {
  Flow flow({command_task("bad", When::failure)});
  flow.deliver("r1", R"({"the":"event"})");
  CHECK(flow.traffic.defer("r1", R"({"task":"bad"})").find("r1/bad/2") != std::string::npos);
  flow.flow().runtime_died({ExitStatus::Kind::exited, 3});
  CHECK(flow.messages().empty());  // the word of it waits for one of the answer
  const auto next = flow.next_generation();
  const auto records = next.records().value();
  REQUIRE(records.size() == 2);
  std::vector<std::string> ids;
  for (const RecordName& name : records) {
    CHECK(name.mark == RecordMark::waiting);
    const auto record = next.read_record(name).value();
    ids.push_back(record.id);
    CHECK(next.open_capture(record.bodies.event));
  }
  CHECK(ids == Lines{"r1/bad/2", "r1/bad/1"});
}

TEST_CASE("the death of the runtime before its answer journals failure tasks and starts nothing") {
  Flow flow({command_task("bad", When::failure), command_task("good", When::success)});
  flow.deliver("r1");
  flow.flow().runtime_died({ExitStatus::Kind::exited, 3});
  CHECK(flow.messages().empty());
  CHECK_FALSE(flow.flow().work_pending());
  const auto record = flow.spool().read_record({.number = numbers_of_generation(1) + 1});
  REQUIRE(record);
  CHECK(record->task.name == "bad");
  CHECK(flow.file(record->bodies.error).find("exit status 3") != std::string::npos);
}

TEST_CASE("the death of the runtime after its answer leaves its tasks to be waited for") {
  Flow flow({command_task("good", When::success)});
  flow.deliver("r1");
  flow.respond("r1");
  flow.flow().runtime_died({ExitStatus::Kind::signalled, 9});
  CHECK(flow.messages() == Lines{"answered", "accepted good", "closed"});
  CHECK(flow.flow().work_pending());
}

TEST_CASE("without an extension nothing is sent, nothing waits, and the poll is the shim's") {
  Flow flow({command_task("t", When::always)});
  flow.flow().extension_is(ExtensionState::unavailable);
  flow.deliver("r1");
  flow.respond("r1");
  CHECK(flow.over == 1);
  flow.ask_next();
  CHECK(flow.over == 2);
  CHECK(flow.messages().empty());
  CHECK(flow.traffic.may_poll());
}

TEST_CASE("the first poll waits for the extension, and its word lets it go") {
  Flow flow({});
  CHECK_FALSE(flow.traffic.may_poll());
  flow.flow().extension_is(ExtensionState::registered);
  CHECK(flow.resumed == 1);
  CHECK(flow.traffic.may_poll());
}

TEST_CASE("the poll is held for the tasks of an extension that was refused") {
  Flow flow({command_task("t", When::always)});
  flow.flow().extension_is(ExtensionState::refused);
  flow.traffic.poll_went_up();
  flow.deliver("r1");
  flow.respond("r1");
  flow.ask_next();
  CHECK_FALSE(flow.traffic.may_poll());
  const int before = flow.resumed;
  flow.flow().settled({{"r1", numbers_of_generation(1) + 1}, 0});
  CHECK(flow.resumed == before + 1);
  CHECK(flow.traffic.may_poll());
}

TEST_CASE("an extension that dies takes along what had not ended, and the spool forgets it") {
  Flow flow({command_task("ended", When::always), command_task("held", When::always)});
  flow.deliver("r1", "event");
  flow.respond("r1");
  CHECK(flow.messages() == Lines{"answered", "accepted ended", "accepted held"});
  const std::string event = flow.last_record.bodies.event;
  flow.spool().remove_record({.number = numbers_of_generation(1) + 1});
  REQUIRE(flow.spool().rename_record({.number = numbers_of_generation(1) + 2},
                                     {.number = numbers_of_generation(1) + 2, .attempts = 1}));
  flow.flow().extension_is(ExtensionState::unavailable);
  CHECK(flow.lost == Lines{"r1/held/1"});
  flow.ask_next();
  CHECK(flow.over == 1);
  CHECK(flow.spool().records()->empty());
  CHECK(flow.file(event) == "missing");
  flow.flow().extension_is(ExtensionState::unavailable);
  CHECK(flow.lost.empty());
}

TEST_CASE("an answer without work counts also when its extension is gone for good") {
  const postlude::testing::TempDir folder;
  const UniqueFd log(::open(
      folder.file("log").c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR));
  Flow flow({command_task("t", When::failure)}, std::nullopt, log.get());
  flow.deliver("r1");
  flow.respond("r1");
  flow.ask_next();
  CHECK(folder.read("log").empty());
  flow.flow().extension_is(ExtensionState::unavailable);
  const std::string told = folder.read("log");
  CHECK(told.find(R"("requestId":"r1","ResponseTime":)") != std::string::npos);
  CHECK(std::count(told.begin(), told.end(), '\n') == 1);
  flow.flow().extension_is(ExtensionState::unavailable);
  CHECK(folder.read("log") == told);
}

TEST_CASE("what an extension had settled before it died is not lost with it") {
  Flow flow({command_task("t", When::always)});
  flow.deliver("r1");
  flow.respond("r1");
  flow.ask_next();
  flow.flow().settled({{"r1", numbers_of_generation(1) + 1}, 0});
  std::filesystem::remove_all(flow.spool().folder());
  flow.flow().extension_is(ExtensionState::unavailable);
  CHECK(flow.lost.empty());
}

TEST_CASE(
    "where the function cleaned the spool away, everything that was under way counts as lost") {
  Flow flow({command_task("t", When::always)});
  flow.deliver("r1");
  flow.respond("r1");
  flow.ask_next();
  std::filesystem::remove_all(flow.spool().folder());
  flow.flow().extension_is(ExtensionState::unavailable);
  CHECK(flow.lost == Lines{"r1/t/1"});
}
