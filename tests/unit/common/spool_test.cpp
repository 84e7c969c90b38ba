#include "common/spool.h"

#include "tests/fakes/temp_dir.h"

#include <doctest/doctest.h>

#include <sys/resource.h>
#include <sys/stat.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <set>
#include <string>
#include <thread>

namespace postlude {
using testing::TempDir;

namespace {

struct Fixture {
  Fixture() : spool(*Spool::create(folder.file("spool"), "stream")) {
    record.id = "r1/a/1";
    record.key = {"r1", 1};
    record.task.name = std::string("a");
    record.task.action = CommandAction{{"true"}, {}, {}};
  }

  [[nodiscard]] std::set<std::string> files() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(spool.folder())) {
      names.insert(entry.path().filename().string());
    }
    return names;
  }

  TempDir folder;
  Spool spool;
  TaskRecord record;
};

mode_t mode_of(const std::string& path) {
  struct stat info = {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 0777U;
}

}  // namespace

TEST_CASE("every environment has a folder of its own, private to the user") {
  const TempDir folder;
  const auto one = Spool::create(folder.file("a/b"), "stream");
  const auto other = Spool::create(folder.file("a/b"), "other stream");
  REQUIRE(one);
  REQUIRE(other);
  CHECK(one->folder().ends_with("/000001"));
  CHECK(other->folder().ends_with("/000001"));
  CHECK(std::filesystem::path(one->folder()).parent_path() !=
        std::filesystem::path(other->folder()).parent_path());
  CHECK(mode_of(one->folder()) == 0700);
}

TEST_CASE("a folder that cannot be made is an error that names it") {
  const TempDir folder;
  folder.write("file", "");
  const auto spool = Spool::create(folder.file("file/spool"), "stream");
  REQUIRE_FALSE(spool);
  CHECK(spool.error().message.find(folder.file("file/spool")) != std::string::npos);
}

TEST_CASE("a record is read by whoever joins the folder") {
  const Fixture fixture;
  Spool writer = fixture.spool;
  REQUIRE(writer.write_record({1, 0, 0}, fixture.record));
  CHECK(fixture.files() == std::set<std::string>{"000000-0000000001-0-0-q.task"});
  CHECK(mode_of(fixture.spool.folder() + "/000000-0000000001-0-0-q.task") == 0600);
  const auto read = Spool::attach(fixture.spool.folder()).read_record({1, 0, 0});
  REQUIRE(read);
  CHECK(read->id == "r1/a/1");
}

TEST_CASE("a rename notes an attempt and leaves the content alone") {
  Fixture fixture;
  REQUIRE(fixture.spool.write_record({1, 0, 0}, fixture.record));
  REQUIRE(fixture.spool.rename_record({1, 0, 0}, {1, 1, 0}));
  CHECK(fixture.files() == std::set<std::string>{"000000-0000000001-1-0-q.task"});
  CHECK(fixture.spool.read_record({1, 1, 0}));
  CHECK(fixture.spool.read_record({1, 0, 0}).error().code == ErrorCode::not_found);
  CHECK(fixture.spool.rename_record({1, 0, 0}, {1, 1, 0}).error().code == ErrorCode::not_found);
}

TEST_CASE("removing is final, and removing what is gone is fine") {
  Fixture fixture;
  REQUIRE(fixture.spool.write_record({1, 0, 0}, fixture.record));
  REQUIRE(fixture.spool.write_capture("1.event", "{}"));
  for (int round = 0; round < 2; ++round) {
    fixture.spool.remove_record({1, 0, 0});
    fixture.spool.remove_capture("1.event");
    CHECK(fixture.files().empty());
  }
}

TEST_CASE("captures hold any bytes, written at once or piece by piece") {
  Fixture fixture;
  const std::string bytes("\0\xff{", 3);
  REQUIRE(fixture.spool.write_capture("whole", bytes));
  auto pieces = fixture.spool.create_capture("pieces");
  REQUIRE(pieces);
  for (const char& byte : bytes) {
    REQUIRE(write_all(pieces->get(), {&byte, 1}, "pieces"));
  }
  for (const char* name : {"whole", "pieces"}) {
    const auto fd = fixture.spool.open_capture(name);
    REQUIRE(fd);
    CHECK(read_all(fd->get(), 100, name) == bytes);
  }
  CHECK(fixture.spool.open_capture("none").error().code == ErrorCode::not_found);
}

TEST_CASE("a file above the limit of its reader is refused unread") {
  Fixture fixture;
  REQUIRE(fixture.spool.write_capture("body", "12345"));
  const auto fd = fixture.spool.open_capture("body");
  CHECK(read_all(fd->get(), 5, "body") == "12345");
  CHECK_FALSE(read_all(fd->get(), 4, "body"));
}

TEST_CASE("writing goes on after a function removed everything") {
  Fixture fixture;
  std::filesystem::remove_all(fixture.folder.file("spool"));
  REQUIRE(fixture.spool.write_record({1, 0, 0}, fixture.record));
  CHECK(fixture.spool.read_record({1, 0, 0}));
  CHECK(mode_of(fixture.spool.folder()) == 0700);
  std::filesystem::remove_all(fixture.folder.file("spool"));
  REQUIRE(fixture.spool.create_capture("body"));
}

TEST_CASE("a record that was cut or overwritten is an error, not a task") {
  Fixture fixture;
  REQUIRE(fixture.spool.write_capture("000000-0000000001-0-0-q.task", "{\"id\":\"r1"));
  REQUIRE(fixture.spool.write_capture("000000-0000000002-0-0-q.task", std::string(4 << 20, ' ')));
  CHECK_FALSE(fixture.spool.read_record({1, 0, 0}));
  CHECK(fixture.spool.read_record({2, 0, 0}).error().message.find("too large") !=
        std::string::npos);
}

TEST_CASE("a record that cannot be put in place leaves nothing behind") {
  Fixture fixture;
  std::filesystem::create_directories(fixture.spool.folder() +
                                      "/000000-0000000001-0-0-q.task/in the way");
  CHECK_FALSE(fixture.spool.write_record({1, 0, 0}, fixture.record));
  CHECK(fixture.files() == std::set<std::string>{"000000-0000000001-0-0-q.task"});
}

TEST_CASE("the records of a folder are listed by number, other files are none") {
  Fixture fixture;
  CHECK(fixture.spool.records()->empty());
  for (const RecordName& name : {RecordName{12, 1, 0}, RecordName{2, 0, 3}, RecordName{7, 0, 0}}) {
    REQUIRE(fixture.spool.write_record(name, fixture.record));
  }
  REQUIRE(fixture.spool.write_capture("000000-0000000009-0-0-q.task.new", "{}"));
  const auto records = fixture.spool.records();
  REQUIRE(records);
  CHECK(*records == std::vector<RecordName>{{2, 0, 3}, {7, 0, 0}, {12, 1, 0}});
  std::filesystem::remove_all(fixture.folder.file("spool"));
  CHECK(fixture.spool.records().error().code == ErrorCode::not_found);
}

TEST_CASE("a record that was written can be read from its open file once the folder is gone") {
  Fixture fixture;
  const auto file = fixture.spool.write_record({1, 0, 0}, fixture.record);
  REQUIRE(file);
  std::filesystem::remove_all(fixture.folder.file("spool"));
  for (int time = 0; time < 2; ++time) {
    const auto read = Spool::read_record(file->get(), {1, 0, 0});
    REQUIRE(read);
    CHECK(read->id == fixture.record.id);
  }
}

TEST_CASE("the limit counts records and bodies, those of older generations included") {
  const TempDir folder;
  {
    auto old = Spool::create(folder.path(), "stream");
    REQUIRE(old->write_capture("1.event", std::string(600, 'x')));
    REQUIRE(old->write_capture("2.event", std::string(300, 'x')));
  }
  auto spool = Spool::create(folder.path(), "stream", 1000);
  REQUIRE(spool->write_capture("3.event", std::string(100, 'x')));
  const auto refused = spool->write_capture("4.event", "x");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::no_space);
  CHECK(spool->captures()->size() == 3);
  // Whoever removes a file tells nobody.
  std::filesystem::remove(spool->folder() + "/2.event");
  CHECK(spool->write_capture("4.event", std::string(300, 'x')));
  CHECK_FALSE(spool->write_capture("5.event", "x"));
  std::filesystem::remove_all(folder.file(""));
  CHECK(spool->write_capture("5.event", std::string(1000, 'x')));
}

TEST_CASE("a record over the limit is refused and leaves nothing behind") {
  Fixture fixture;
  auto spool = Spool::create(fixture.folder.path(), "small", 100);
  const auto refused = spool->write_record({1}, fixture.record);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::no_space);
  CHECK(refused.error().message.find("100 of POSTLUDE_SPOOL_LIMIT") != std::string::npos);
  CHECK(std::filesystem::is_empty(spool->folder()));
}

TEST_CASE("records are written although a function removes everything again and again") {
  Fixture fixture;
  std::atomic<bool> over = false;
  std::jthread function([&] {
    while (!over) {
      std::error_code ignored;
      std::filesystem::remove_all(fixture.folder.file("spool"), ignored);
    }
  });
  constexpr std::uint64_t kRecords = 500;
  for (std::uint64_t number = 1; number <= kRecords; ++number) {
    const auto file = fixture.spool.write_record({number}, fixture.record);
    REQUIRE(file);
    CHECK(Spool::read_record(file->get(), {number})->id == fixture.record.id);
  }
  over = true;
}

TEST_CASE("a process without free descriptors gets an error, and the next write works again") {
  Fixture fixture;
  rlimit before = {};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit none = {0, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const auto refused = fixture.spool.write_record({1}, fixture.record);
  const auto listed = fixture.spool.records();
  const auto generation = Spool::create(fixture.folder.path(), "other");
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("Too many open files") != std::string::npos);
  CHECK_FALSE(listed);
  CHECK_FALSE(generation);
  CHECK(fixture.files().empty());
  CHECK(fixture.spool.write_record({1}, fixture.record));
}

TEST_CASE("a write that the system cuts short is an error and leaves nothing behind") {
  Fixture fixture;
  const auto signal = std::signal(SIGXFSZ, SIG_IGN);
  rlimit before = {};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const rlimit few = {100, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &few) == 0);
  const auto record = fixture.spool.write_record({1}, fixture.record);
  const auto capture = fixture.spool.write_capture("1.event", std::string(101, 'x'));
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  const bool restored = std::signal(SIGXFSZ, signal) != SIG_ERR;
  REQUIRE(restored);
  REQUIRE_FALSE(record);
  CHECK(record.error().code == ErrorCode::no_space);
  CHECK(record.error().message.find("File too large") != std::string::npos);
  REQUIRE_FALSE(capture);
  CHECK(capture.error().code == ErrorCode::no_space);
  CHECK(fixture.files().empty());
}

}  // namespace postlude
