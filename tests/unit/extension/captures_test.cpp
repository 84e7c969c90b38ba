#include "extension/captures.h"

#include "tests/fakes/temp_dir.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace postlude::extension {
using testing::TempDir;

namespace {

struct Fixture {
  Fixture() : spool(*Spool::create(folder.file("spool"), "stream")), captures(spool) {
    record.key = {"r1", 1};
    record.bodies.event = std::string("1.event");
    record.bodies.response = std::string("1.response");
    REQUIRE(spool.write_capture("1.event", R"({"k":1})"));
    REQUIRE(spool.write_capture("1.response", R"(["answer"])"));
  }

  [[nodiscard]] bool has_files() const { return !std::filesystem::is_empty(spool.folder()); }

  [[nodiscard]] std::string event() {
    const Bodies bodies = captures.bodies(record);
    return bodies.event ? *read_all(bodies.event.get(), 1000, "event") : std::string("none");
  }

  TempDir folder;
  Spool spool;
  Captures captures;
  TaskRecord record;
};

}  // namespace

TEST_CASE("the bodies of a held task can be read, the event as a file, the others as JSON") {
  Fixture fixture;
  fixture.captures.hold(fixture.record);
  const Bodies bodies = fixture.captures.bodies(fixture.record);
  CHECK(bodies.event_bytes == 7);
  CHECK(bodies.response == R"(["answer"])");
  CHECK(bodies.error == "null");
  CHECK(fixture.event() == R"({"k":1})");
}

TEST_CASE("the bodies outlive their files, which a function may remove") {
  Fixture fixture;
  fixture.captures.hold(fixture.record);
  std::filesystem::remove_all(fixture.spool.folder());
  CHECK(fixture.event() == R"({"k":1})");
  CHECK(fixture.captures.bodies(fixture.record).response == R"(["answer"])");
}

TEST_CASE("the files go when the invocation is closed and its last task has ended, not before") {
  Fixture fixture;
  const InvocationKey key = fixture.record.key;
  fixture.captures.hold(fixture.record);
  fixture.captures.hold(fixture.record);
  fixture.captures.let_go(key);
  fixture.captures.let_go(key);
  CHECK(fixture.has_files());
  fixture.captures.hold(fixture.record);
  CHECK(fixture.event() == R"({"k":1})");
  fixture.captures.close(key);
  CHECK(fixture.has_files());
  fixture.captures.let_go(key);
  CHECK_FALSE(fixture.has_files());
}

TEST_CASE("invocations do not touch each other's files") {
  Fixture fixture;
  TaskRecord other;
  other.key = {"r1", 2};
  other.bodies.event = std::string("2.event");
  REQUIRE(fixture.spool.write_capture("2.event", "2"));
  fixture.captures.hold(fixture.record);
  fixture.captures.hold(other);
  fixture.captures.close(other.key);
  fixture.captures.let_go(other.key);
  CHECK_FALSE(fixture.spool.open_capture("2.event"));
  CHECK(fixture.spool.open_capture("1.event"));
  CHECK(fixture.captures.bodies(fixture.record).response == R"(["answer"])");
}

TEST_CASE("a missing or empty event is no event") {
  Fixture fixture;
  fixture.record.bodies.event = std::string("none");
  fixture.captures.hold(fixture.record);
  CHECK(fixture.event() == "none");

  Fixture empty;
  REQUIRE(empty.spool.write_capture("1.event", ""));
  empty.captures.hold(empty.record);
  CHECK(empty.event() == "none");
}

TEST_CASE("a body that a later task brings is seen by it") {
  Fixture fixture;
  TaskRecord early = fixture.record;
  early.bodies.response.clear();
  fixture.captures.hold(early);
  CHECK(fixture.captures.bodies(early).response == "null");
  fixture.captures.hold(fixture.record);
  CHECK(fixture.captures.bodies(fixture.record).response == R"(["answer"])");
  TaskRecord late = fixture.record;
  late.bodies.error = std::string("1.error");
  REQUIRE(fixture.spool.write_capture("1.error", R"({"errorMessage":"m"})"));
  fixture.captures.hold(late);
  CHECK(fixture.captures.bodies(late).error == R"({"errorMessage":"m"})");
  CHECK(fixture.captures.bodies(late).response == R"(["answer"])");
}

TEST_CASE("asking for what was never held gives nothing") {
  Fixture fixture;
  CHECK(fixture.event() == "none");
  fixture.captures.let_go({"r9", 9});
  fixture.captures.close({"r9", 9});
  CHECK(fixture.has_files());
}

TEST_CASE("bodies that came as open files need no names any more") {
  Fixture fixture;
  std::vector<UniqueFd> files;
  for (const char* name : {"1.event", "1.response"}) {
    files.push_back(fixture.spool.open_capture(name).value());
  }
  std::filesystem::remove_all(fixture.spool.folder());
  fixture.captures.hold(fixture.record, std::move(files));
  CHECK(fixture.event() == R"({"k":1})");
  CHECK(fixture.captures.bodies(fixture.record).response == R"(["answer"])");
}

TEST_CASE("open files stand for the bodies that have a name, in their order") {
  Fixture fixture;
  fixture.record.bodies.response.clear();
  fixture.record.bodies.error = std::string("1.error");
  std::vector<UniqueFd> files;
  files.push_back(fixture.spool.open_capture("1.event").value());
  files.push_back(fixture.spool.write_capture("other", R"({"errorType":"E"})").value());
  fixture.captures.hold(fixture.record, std::move(files));
  CHECK(fixture.event() == R"({"k":1})");
  CHECK(fixture.captures.bodies(fixture.record).response == "null");
  CHECK(fixture.captures.bodies(fixture.record).error == R"({"errorType":"E"})");
}

}  // namespace postlude::extension
