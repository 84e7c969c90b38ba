#include "extension/held_records.h"

#include "tests/fakes/temp_dir.h"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace postlude::extension {
using testing::TempDir;

using Files = std::vector<std::string>;
using Owner = HeldRecords::Owner;
using Trouble = HeldRecords::Trouble;

namespace {

constexpr std::uint64_t kGeneration = numbers_of_generation(1);

/// UBSan looks at virtual tables through a pipe, and reports an error where it gets none.
#ifdef __SANITIZE_ADDRESS__
constexpr bool kNeedsDescriptors = true;
#else
constexpr bool kNeedsDescriptors = false;
#endif

/// While it lives this process can open no file.
class NoFreeDescriptor {
 public:
  NoFreeDescriptor() {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const UniqueFd next(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    rlimit none = before_;
    none.rlim_cur = static_cast<rlim_t>(next.get());
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  }
  NoFreeDescriptor(const NoFreeDescriptor&) = delete;
  NoFreeDescriptor& operator=(const NoFreeDescriptor&) = delete;
  ~NoFreeDescriptor() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_ = {};
};

struct Fixture {
  Fixture()
      : spool(*Spool::create(folder.file("spool"), "stream")),
        log_file(::open(folder.file("log").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)),
        log(log_file.get(), LogLevel::debug),
        records(spool, log) {}

  /// Of an invocation of its own.
  RecordName leave(std::uint64_t number, RecordMark mark = RecordMark::waiting) {
    TaskRecord record;
    record.key = {"r" + std::to_string(number), kGeneration + number};
    record.id = record.key.request_id + "/a/1";
    record.task.name = std::string("a");
    record.task.action = HandlerAction{};
    record.bodies.event = std::to_string(record.key.sequence) + ".event";
    record.bodies.response = std::to_string(record.key.sequence) + ".answer";
    REQUIRE(spool.write_capture(record.bodies.event, "[" + std::to_string(number) + "]"));
    REQUIRE(spool.write_capture(record.bodies.response, "\"answer\""));
    const RecordName name{kGeneration + number, 0, 0, mark};
    REQUIRE(spool.write_record(name, record));
    return name;
  }

  [[nodiscard]] std::vector<std::uint64_t> replay(std::uint64_t last = 1000) {
    return numbers(records.replay(kGeneration + last));
  }
  [[nodiscard]] static std::vector<std::uint64_t> numbers(const std::vector<FoundRecord>& found) {
    std::vector<std::uint64_t> result;
    for (const FoundRecord& one : found) {
      CHECK(one.record->key.request_id == "r" + std::to_string(one.name.number - kGeneration));
      result.push_back(one.name.number - kGeneration);
    }
    return result;
  }
  [[nodiscard]] Files files() const {
    Files names;
    for (const auto& entry : std::filesystem::directory_iterator(spool.folder())) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  [[nodiscard]] bool has(const RecordName& name) const {
    return std::filesystem::exists(spool.folder() + "/" + format_record_name(name));
  }
  [[nodiscard]] std::string event(std::uint64_t number) {
    const Bodies bodies = records.bodies(kGeneration + number);
    return bodies.event ? *read_all(bodies.event.get(), 1000, "event") : std::string("none");
  }
  [[nodiscard]] std::string logged() const {
    return read_all(log_file.get(), 1 << 20, "log").value();
  }

  TempDir folder;
  Spool spool;
  UniqueFd log_file;
  Log log;
  HeldRecords records;
};

RecordName with_mark(RecordName name, RecordMark mark) {
  name.mark = mark;
  return name;
}

}  // namespace

TEST_CASE("replay finds the records up to a number, by number, and no later ones") {
  Fixture fixture;
  for (const std::uint64_t number : {3U, 1U, 20U, 2U}) {
    fixture.leave(number);
  }
  CHECK(fixture.replay(3) == std::vector<std::uint64_t>{1, 2, 3});
  CHECK(fixture.records.numbers().size() == 3);
  CHECK(fixture.event(2) == "[2]");
}

TEST_CASE("a folder that is gone, or was never made, holds nothing") {
  Fixture fixture;
  std::filesystem::remove_all(fixture.folder.file("spool"));
  CHECK(fixture.replay().empty());
  CHECK(fixture.records.unread() == 0);
  fixture.records.remove_orphans();
  HeldRecords none(Spool::attach(""), fixture.log);
  CHECK(none.replay(7).empty());
  CHECK(none.unread() == 0);
  CHECK(fixture.logged().empty());
}

TEST_CASE("a record cut at any length is named in an error, set aside, and is no record more") {
  constexpr std::uintmax_t kOwnerBytes =
      std::string_view(R"({"id":"r1/a/1","requestId":"r1")").size();
  Fixture whole;
  const RecordName name = whole.leave(1);
  const std::string file = whole.spool.folder() + "/" + format_record_name(name);
  const std::uintmax_t size = std::filesystem::file_size(file);
  for (std::uintmax_t length = 0; length < size; length += 7) {
    CAPTURE(length);
    Fixture fixture;
    fixture.leave(1);
    fixture.leave(2);
    std::filesystem::resize_file(fixture.spool.folder() + "/" + format_record_name(name), length);
    CHECK(fixture.replay() == std::vector<std::uint64_t>{2});
    CHECK(fixture.records.unread() == 0);
    // What begins like a record names its task.
    const auto unreadable = fixture.records.unreadable();
    CHECK(unreadable.empty() == (length < kOwnerBytes));
    for (const UnreadableRecord& one : unreadable) {
      CHECK(one.owner.id == "r1/a/1");
      CHECK(one.owner.request_id == "r1");
      CHECK(one.name == name);
      CHECK(fixture.has(name));  // until a receipt has told it
      fixture.records.remove(name);
    }
    CHECK(fixture.records.unreadable().empty());
    CHECK_FALSE(fixture.has(name));
    CHECK(std::filesystem::exists(fixture.spool.folder() + "/" + damaged_record_name(name)));
    CHECK(fixture.logged().find(fixture.spool.folder() + "/" + format_record_name(name)) !=
          std::string::npos);
    CHECK(fixture.logged().find(damaged_record_name(name)) != std::string::npos);
    CHECK(fixture.logged().find("another folder in POSTLUDE_SPOOL_DIR") != std::string::npos);
    CHECK(fixture.logged().find(R"("level":"ERROR")") != std::string::npos);
    // A second process finds nothing of it.
    CHECK(HeldRecords(fixture.spool, fixture.log).replay(kGeneration + 9).size() == 1);
  }
}

TEST_CASE("a record that cannot be read for lack of descriptors counts, and is read later" *
          doctest::skip(kNeedsDescriptors)) {
  Fixture fixture;
  const RecordName name = fixture.leave(1);
  {
    const NoFreeDescriptor none;
    CHECK(fixture.replay().empty());
    CHECK(fixture.records.unread() == 1);  // the folder could not even be listed
    CHECK(fixture.records.replay_unread().empty());
    fixture.records.remove_orphans();
  }
  CHECK(fixture.numbers(fixture.records.replay_unread()) == std::vector<std::uint64_t>{1});
  CHECK(fixture.records.unread() == 0);
  CHECK(fixture.has(name));
  CHECK(fixture.event(1) == "[1]");
}

TEST_CASE("an accepted record that cannot be opened now is no lost task") {
  Fixture fixture;
  const RecordName name = fixture.leave(1);
  {
    const NoFreeDescriptor none;
    const auto accepted = fixture.records.accept(name, {"r1/a/1", "r1"}, {});
    REQUIRE_FALSE(accepted);
    CHECK(accepted.error().kind == Trouble::Kind::passing);
    for (int tries = 0; tries < 10; ++tries) {
      CHECK(fixture.records.replay_unread().empty());
    }
    CHECK(fixture.records.unread() == 1);
  }
  CHECK(fixture.numbers(fixture.records.replay_unread()) == std::vector<std::uint64_t>{1});
}

TEST_CASE("what can never be opened is set aside in the end" * doctest::skip(kNeedsDescriptors)) {
  Fixture fixture;
  const RecordName name = fixture.leave(1);
  {
    const NoFreeDescriptor none;
    CHECK_FALSE(fixture.records.accept(name, {"r1/a/1", "r1"}, {}));
    for (int tries = 0; tries < 16; ++tries) {
      CHECK(fixture.records.replay_unread().empty());
    }
  }
  CHECK(fixture.records.unread() == 0);
  const auto unreadable = fixture.records.unreadable();
  REQUIRE(unreadable.size() == 1);
  CHECK(unreadable[0].owner.id == "r1/a/1");
  fixture.records.remove(name);
  CHECK_FALSE(fixture.has(name));
  CHECK(std::filesystem::exists(fixture.spool.folder() + "/" + damaged_record_name(name)));
}

TEST_CASE("an accepted record that is gone or damaged says which") {
  Fixture fixture;
  const RecordName gone{kGeneration + 9, 0, 0};
  CHECK(fixture.records.accept(gone, {"r9/a/1", "r9"}, {}).error().kind == Trouble::Kind::gone);
  const RecordName damaged = fixture.leave(1);
  std::filesystem::resize_file(fixture.spool.folder() + "/" + format_record_name(damaged), 9);
  CHECK(fixture.records.accept(damaged, {"r1/a/1", "r1"}, {}).error().kind ==
        Trouble::Kind::damaged);
  CHECK(fixture.has(damaged));
  fixture.records.remove(damaged);
  CHECK_FALSE(fixture.has(damaged));
  CHECK(std::filesystem::exists(fixture.spool.folder() + "/" + damaged_record_name(damaged)));
  CHECK(fixture.records.numbers().empty());
}

TEST_CASE("everything that was removed is written again with the next state, bodies included") {
  Fixture fixture;
  const RecordName first = fixture.leave(1);
  const RecordName second = fixture.leave(2);
  const RecordName ended = fixture.leave(3, RecordMark::done);
  CHECK(fixture.replay().size() == 3);
  CHECK(fixture.records.bodies(first.number).response == "\"answer\"");
  const Files before = fixture.files();
  std::filesystem::remove_all(fixture.folder.file("spool"));
  const RecordName running = with_mark(first, RecordMark::running);
  CHECK(fixture.records.rename(first, running) == Owner::us);
  CHECK(fixture.has(running));
  CHECK(fixture.has(second));
  CHECK(fixture.has(ended));
  // The one that has ended needs its bodies no more.
  CHECK(fixture.files().size() == before.size() - 2);
  CHECK(fixture.records.rename(running, first) == Owner::us);

  HeldRecords later(fixture.spool, fixture.log);
  CHECK(fixture.numbers(later.replay(kGeneration + 9)) == std::vector<std::uint64_t>{1, 2, 3});
  const Bodies bodies = later.bodies(second.number);
  REQUIRE(bodies.event);
  CHECK(*read_all(bodies.event.get(), 100, "event") == "[2]");
  CHECK(bodies.response == "\"answer\"");
}

TEST_CASE("what the shim has written meanwhile is not written over") {
  Fixture fixture;
  const RecordName first = fixture.leave(1);
  CHECK(fixture.replay().size() == 1);
  std::filesystem::remove_all(fixture.folder.file("spool"));
  REQUIRE(fixture.spool.write_capture(std::to_string(kGeneration + 1) + ".event", "[1, new]"));
  const RecordName later = fixture.leave(2);
  CHECK(fixture.records.rename(first, with_mark(first, RecordMark::running)) == Owner::us);
  CHECK(fixture.has(later));
  CHECK(*read_all(fixture.spool.open_capture(std::to_string(kGeneration + 1) + ".event")->get(),
                  100,
                  "event") == "[1, new]");
}

TEST_CASE("a folder that cannot be made again stops nothing") {
  Fixture fixture;
  const RecordName first = fixture.leave(1);
  CHECK(fixture.replay().size() == 1);
  std::filesystem::remove_all(fixture.folder.file("spool"));
  std::ofstream(fixture.folder.file("spool")) << "in the way";
  CHECK(fixture.records.rename(first, with_mark(first, RecordMark::running)) == Owner::us);
  CHECK(fixture.event(1) == "[1]");
  CHECK(fixture.records.bodies(first.number).response == "\"answer\"");
}

TEST_CASE(
    "a state that could not be noted once is noted with the next one, and no record is left") {
  Fixture fixture;
  const RecordName first = fixture.leave(1);
  CHECK(fixture.replay().size() == 1);
  const RecordName running = with_mark(first, RecordMark::running);
  const std::string in_the_way = fixture.spool.folder() + "/" + format_record_name(running);
  std::filesystem::create_directory(in_the_way);
  CHECK(fixture.records.rename(first, running) == Owner::us);
  CHECK(fixture.has(first));
  std::filesystem::remove(in_the_way);
  const RecordName done = with_mark(first, RecordMark::done);
  CHECK(fixture.records.rename(running, done) == Owner::us);
  CHECK(fixture.has(done));
  CHECK_FALSE(fixture.has(first));
  std::filesystem::create_directory(fixture.spool.folder() + "/" + format_record_name(first));
  CHECK(fixture.records.rename(done, first) == Owner::us);
  fixture.records.remove(first);
  CHECK_FALSE(fixture.has(done));
}

TEST_CASE("where a newer generation has the records nothing is written") {
  Fixture fixture;
  const RecordName first = fixture.leave(1);
  CHECK(fixture.replay().size() == 1);
  const auto newer = Spool::create(fixture.folder.file("spool"), "stream");
  REQUIRE(newer);
  CHECK(fixture.records.rename(first, with_mark(first, RecordMark::running)) ==
        Owner::newer_generation);
  CHECK_FALSE(std::filesystem::exists(fixture.spool.folder()));
  CHECK(newer->records()->size() == 1);
}

TEST_CASE("bodies of many invocations take a bounded number of descriptors, and none is missing") {
  Fixture fixture;
  constexpr std::uint64_t kInvocations = Captures::kMostOpen + 50;
  for (std::uint64_t number = 1; number <= kInvocations; ++number) {
    fixture.leave(number);
  }
  const auto open = [] {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  };
  const std::size_t before = open();
  CHECK(fixture.replay().size() == kInvocations);
  CHECK(open() <= before + Captures::kMostOpen);
  for (std::uint64_t number = 1; number <= kInvocations; ++number) {
    CHECK(fixture.event(number) == "[" + std::to_string(number) + "]");
    CHECK(fixture.records.bodies(kGeneration + number).response == "\"answer\"");
  }
  CHECK(open() <= before + Captures::kMostOpen);
  for (std::uint64_t number = 1; number <= kInvocations; ++number) {
    const std::uint64_t id = kGeneration + number;
    fixture.records.let_go(fixture.records.at(id).key);
    fixture.records.remove({id, 0, 0});
  }
  CHECK(open() <= before);
  CHECK(fixture.files().empty());
}

TEST_CASE("orphans of this generation go when a later invocation is closed, claimed ones stay") {
  Fixture fixture;
  fixture.leave(1);
  CHECK(fixture.replay().size() == 1);
  for (const std::uint64_t sequence : {5U, 6U, 9U}) {
    REQUIRE(fixture.spool.write_capture(std::to_string(kGeneration + sequence) + ".event", "x"));
  }
  REQUIRE(fixture.spool.write_capture("77.error", "x"));
  fixture.records.remove_orphans();
  CHECK_FALSE(fixture.spool.open_capture("77.error"));
  const RecordName claimed = fixture.leave(6);
  REQUIRE(fixture.records.accept(claimed, {"r2/a/1", "r2"}, {}));
  fixture.records.close({"r7", kGeneration + 7});
  CHECK_FALSE(fixture.spool.open_capture(std::to_string(kGeneration + 5) + ".event"));
  CHECK(fixture.event(6) == "[6]");
  CHECK(fixture.spool.open_capture(std::to_string(kGeneration + 6) + ".event"));
  CHECK(fixture.spool.open_capture(std::to_string(kGeneration + 9) + ".event"));
}

}  // namespace postlude::extension
