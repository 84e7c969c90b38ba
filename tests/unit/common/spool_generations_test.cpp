#include "common/spool.h"
#include "tests/fakes/temp_dir.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace postlude {
using testing::TempDir;

namespace {

namespace fs = std::filesystem;

/// File names of a folder and below, relative to it, with their contents; folders end in a slash.
using Tree = std::map<std::string, std::string>;

std::string lines_of(const Tree& tree) {
  std::string lines;
  for (const auto& [name, content] : tree) {
    lines.append(name).append(": ").append(content).append("\n");
  }
  return lines;
}

Tree tree_of(const TempDir& root, const std::string& folder) {
  Tree tree;
  for (const auto& entry : fs::recursive_directory_iterator(root.file(folder))) {
    const std::string name = entry.path().lexically_relative(root.file(folder)).string();
    if (entry.is_directory() && !entry.is_symlink()) {
      tree[name + "/"] = "";
    } else {
      tree[name] =
          entry.is_regular_file() ? root.read(fmt::format("{}/{}", folder, name)) : "special";
    }
  }
  return tree;
}

const std::string kStream = environment_folder("stream");

/// Three older generations, as crashes may have left them.
struct OldGenerations {
  TempDir root;

  OldGenerations() {
    write("000001/000001-0000000001-1-2-r.task", "first");
    write("000001/000001-0000000003-0-0-q.task.new", "half");
    write("000001/4294967297.event", "event of the first");
    write("000002/000002-0000000001-0-0-q.task", "second");
    write("000002/000001-0000000002-0-0-d.task", "taken over from the first");
    write("000002/8589934593.event", "event of the second");
    write("000002/8589934593.answer", "answer of the second");
    write("000002/8589934593.error", "error of the second");
    write("000002/000002-0000000007-0-0-q.task.damaged", "{");
    fs::create_directories(path("000005"));
  }

  [[nodiscard]] std::string path(const std::string& name) const {
    return root.file(kStream + "/" + name);
  }
  void write(const std::string& name, const std::string& content) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    static_cast<void>(root.write(kStream + "/" + name, content));
  }
  [[nodiscard]] Tree tree() const { return tree_of(root, kStream); }
};

Tree all_in(const std::string& generation) {
  return {{generation + "/", ""},
          {generation + "/000001-0000000001-1-2-r.task", "first"},
          {generation + "/4294967297.event", "event of the first"},
          {generation + "/000002-0000000001-0-0-q.task", "second"},
          {generation + "/000001-0000000002-0-0-d.task", "taken over from the first"},
          {generation + "/8589934593.event", "event of the second"},
          {generation + "/8589934593.answer", "answer of the second"},
          {generation + "/8589934593.error", "error of the second"}};
}

}  // namespace

TEST_CASE("a new generation takes over all records and bodies, and nothing else is left") {
  const OldGenerations old;
  const auto spool = Spool::create(old.root.path(), "stream");
  REQUIRE(spool);
  CHECK(spool->generation() == 6);
  CHECK(lines_of(old.tree()) == lines_of(all_in("000006")));
  CHECK(spool->adoption().files == 7);
  CHECK(spool->adoption().failed == 0);
  CHECK_FALSE(spool->adoption().problem);
  CHECK(spool->records()->size() == 3);
  CHECK(spool->captures()->size() == 4);
}

TEST_CASE("an adoption that stops after any of its steps is finished by the next generation") {
  const auto steps_of = [](const OldGenerations& old) {
    std::vector<OldGeneration> generations;
    for (const std::uint64_t number : {1U, 2U, 5U}) {
      generations.push_back(
          {number, spool_files::list(old.path(generation_folder(number))).value()});
    }
    return plan_adoption(std::move(generations));
  };
  const std::size_t all = steps_of(OldGenerations()).size();
  CHECK(all == 12);  // 7 files to take over, 2 leftovers, 3 folders
  for (std::size_t done = 0; done <= all; ++done) {
    CAPTURE(done);
    const OldGenerations old;
    const auto steps = steps_of(old);
    fs::create_directories(old.path("000006"));
    for (std::size_t i = 0; i < done; ++i) {
      REQUIRE(carry_out(steps[i], old.path("."), 6));
    }
    const auto spool = Spool::create(old.root.path(), "stream");
    REQUIRE(spool);
    CHECK(spool->generation() == 7);
    CHECK(lines_of(old.tree()) == lines_of(all_in("000007")));
  }
}

TEST_CASE("of two records with the same number the one of the newer generation counts") {
  const OldGenerations old;
  old.write("000005/000001-0000000001-2-2-d.task", "further on");
  const auto spool = Spool::create(old.root.path(), "stream");
  REQUIRE(spool);
  Tree expected = all_in("000006");
  expected.erase("000006/000001-0000000001-1-2-r.task");
  expected["000006/000001-0000000001-2-2-d.task"] = "further on";
  CHECK(lines_of(old.tree()) == lines_of(expected));
}

TEST_CASE("what is no file of ours stays where it is and surprises nobody") {
  const OldGenerations old;
  const TempDir elsewhere;
  static_cast<void>(elsewhere.write("target", "not ours"));
  old.write("000001/notes.txt", "of somebody");
  old.write("000002/000002-0000000009-00-0-q.task", "no name of ours");
  fs::create_directories(old.path("000002/000002-0000000008-0-0-q.task"));
  fs::create_symlink(elsewhere.file("target"), old.path("000002/000002-0000000006-0-0-q.task"));
  REQUIRE(::mkfifo(old.path("000002/8589934594.event").c_str(), 0600) == 0);
  fs::create_directory_symlink(elsewhere.path(), old.path("000003"));
  old.write("000008", "a file with a generation's name");
  old.write("7", "");
  old.write("9999999/000001-0000000004-0-0-q.task", "not in a generation");
  const auto spool = Spool::create(old.root.path(), "stream");
  REQUIRE(spool);
  CHECK(spool->generation() == 9);
  CHECK_FALSE(spool->adoption().problem);
  Tree expected = all_in("000009");
  expected.insert({{"000001/", ""},
                   {"000001/notes.txt", "of somebody"},
                   {"000002/", ""},
                   {"000002/000002-0000000009-00-0-q.task", "no name of ours"},
                   {"000002/000002-0000000008-0-0-q.task/", ""},
                   {"000002/000002-0000000006-0-0-q.task", "not ours"},
                   {"000002/8589934594.event", "special"},
                   {"000003", "special"},
                   {"000008", "a file with a generation's name"},
                   {"7", ""},
                   {"9999999/", ""},
                   {"9999999/000001-0000000004-0-0-q.task", "not in a generation"}});
  CHECK(lines_of(old.tree()) == lines_of(expected));
  CHECK(elsewhere.read("target") == "not ours");
  // Not even by its own name.
  const std::string link = spool->folder() + "/000009-0000000001-0-0-q.task";
  fs::create_symlink(elsewhere.file("target"), link);
  CHECK(spool->records()->size() == 3);
  CHECK_FALSE(spool->read_record({numbers_of_generation(9) + 1}));
}

TEST_CASE("a file that is written takes the place of whatever had its name, not of its target") {
  const TempDir root;
  const TempDir elsewhere;
  static_cast<void>(elsewhere.write("target", "not ours"));
  auto spool = Spool::create(root.path(), "stream");
  REQUIRE(spool);
  fs::create_symlink(elsewhere.file("target"), spool->folder() + "/1.event");
  REQUIRE(spool->write_capture("1.event", "ours"));
  CHECK(elsewhere.read("target") == "not ours");
  CHECK(read_all(spool->open_capture("1.event")->get(), 100, "1.event") == "ours");
}

TEST_CASE("what cannot be taken over is told, and waits for the next generation") {
  OldGenerations old;
  // Nothing can be renamed onto a folder.
  const auto steps = plan_adoption({{1, spool_files::list(old.path("000001")).value()}});
  fs::create_directories(old.path("000006/000001-0000000001-1-2-r.task"));
  std::size_t failed = 0;
  for (const AdoptionStep& step : steps) {
    failed += carry_out(step, old.path("."), 6) ? 0U : 1U;
  }
  CHECK(failed == 2);  // the record, and the folder that is not empty
  CHECK(fs::exists(old.path("000001/000001-0000000001-1-2-r.task")));
  CHECK(fs::exists(old.path("000006/4294967297.event")));
}

TEST_CASE("records without read permission are taken over as they are") {
  const OldGenerations old;
  const std::string record = "/000002-0000000001-0-0-q.task";
  REQUIRE(::chmod((old.path("000002") + record).c_str(), 0) == 0);
  const auto spool = Spool::create(old.root.path(), "stream");
  REQUIRE(spool);
  CHECK(spool->adoption().failed == 0);
  CHECK(fs::exists(spool->folder() + record));
}

TEST_CASE("a process of an older generation finds out that its time is over") {
  const TempDir root;
  const auto first = Spool::create(root.path(), "stream");
  REQUIRE(first);
  static_cast<void>(root.write(kStream + "/000099", "no folder"));
  static_cast<void>(root.write(kStream + "/x", ""));
  CHECK_FALSE(first->superseded());
  const auto other = Spool::create(root.path(), "another stream");
  CHECK_FALSE(first->superseded());
  const auto second = Spool::create(root.path(), "stream");
  REQUIRE(second);
  CHECK(second->generation() == 100);
  CHECK(first->superseded());
  CHECK_FALSE(second->superseded());
  CHECK_FALSE(fs::exists(first->folder()));
  fs::remove_all(root.file(kStream));
  CHECK_FALSE(first->superseded());
}

TEST_CASE("processes that start at the same time get generations of their own") {
  const TempDir root;
  constexpr int kStarts = 8;
  std::vector<Result<Spool>> spools(kStarts, tl::unexpected(Error{}));
  {
    std::vector<std::jthread> starts;
    starts.reserve(kStarts);
    for (auto& spool : spools) {
      starts.emplace_back([&] { spool = Spool::create(root.path(), "stream"); });
    }
  }
  std::vector<std::uint64_t> numbers;
  for (const auto& spool : spools) {
    REQUIRE(spool);
    numbers.push_back(spool->generation());
  }
  std::sort(numbers.begin(), numbers.end());
  CHECK(std::adjacent_find(numbers.begin(), numbers.end()) == numbers.end());
}

TEST_CASE("generations end before their numbers lose digits in JSON") {
  const TempDir root;
  fs::create_directories(root.file(kStream + "/999999"));
  const auto spool = Spool::create(root.path(), "stream");
  REQUIRE_FALSE(spool);
  CHECK(spool.error().message.find("no free generation in " + root.path()) != std::string::npos);
  static_assert(numbers_of_generation(kMostGenerations + 1) < (std::uint64_t{1} << 53));
}

TEST_CASE("an environment's folder that is a link or no folder is not trusted") {
  const TempDir root;
  const TempDir elsewhere;
  fs::create_directory_symlink(elsewhere.path(), root.file(kStream));
  const auto linked = Spool::create(root.path(), "stream");
  REQUIRE_FALSE(linked);
  CHECK(linked.error().message == root.file(kStream) + " is no folder; name a folder of this user");
  CHECK(fs::is_empty(elsewhere.path()));
  fs::remove(root.file(kStream));
  static_cast<void>(root.write(kStream, ""));
  CHECK_FALSE(Spool::create(root.path(), "stream"));
}

TEST_CASE("a spool folder may be reached by a link of this user") {
  const TempDir root;
  const TempDir elsewhere;
  fs::create_directory_symlink(elsewhere.path(), root.file("link"));
  const auto spool = Spool::create(root.file("link"), "stream");
  REQUIRE(spool);
  CHECK(fs::exists(elsewhere.file(kStream + "/000001")));
}

TEST_CASE("a spool folder of somebody else is not trusted" *
          doctest::skip(::geteuid() != 0)) {  // only root can give a folder away
  constexpr uid_t kSomebody = 12345;
  const TempDir root;
  const std::string message = " belongs to another user (12345); name a folder of this user";
  fs::create_directories(root.file("theirs"));
  fs::create_directory_symlink(root.file("theirs"), root.file("link"));
  fs::create_directories(root.file("ours/" + kStream));
  REQUIRE(::chown(root.file("theirs").c_str(), kSomebody, kSomebody) == 0);
  REQUIRE(::chown(root.file("ours/" + kStream).c_str(), kSomebody, kSomebody) == 0);
  CHECK(Spool::create(root.file("theirs"), "stream").error().message ==
        root.file("theirs") + message);
  CHECK(Spool::create(root.file("link"), "stream").error().message == root.file("link") + message);
  CHECK(Spool::create(root.file("ours"), "stream").error().message ==
        root.file("ours/" + kStream) + message);
  CHECK(fs::is_empty(root.file("theirs")));
}

}  // namespace postlude
