#include "runtime/capture.h"

#include "tests/fakes/temp_dir.h"

#include <doctest/doctest.h>

#include <unistd.h>

#include <string>

using namespace postlude;
using namespace postlude::runtime;

namespace {

struct SpoolInTempDir {
  testing::TempDir folder;
  Spool spool = Spool::create(folder.path(), "stream").value();

  [[nodiscard]] std::string content(const std::string& name) const {
    const auto fd = spool.open_capture(name);
    return fd ? read_all(fd->get(), std::size_t{64} << 20, name).value() : "";
  }
};

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    text[i] = static_cast<char>(i * 31 % 251);
  }
  return text;
}

}  // namespace

TEST_CASE("a small body touches the disk only when it is stored") {
  const SpoolInTempDir disk;
  Spool spool = disk.spool;
  Capture capture(&spool, "1.event", Capture::Extent::whole);
  capture.append("abc");
  capture.append("def");
  CHECK(disk.spool.open_capture("1.event").error().code == ErrorCode::not_found);
  CHECK(capture.store().value() == "1.event");
  CHECK(disk.content("1.event") == "abcdef");
}

TEST_CASE("a large event goes to its file as it comes and is whole there") {
  const SpoolInTempDir disk;
  Spool spool = disk.spool;
  Capture capture(&spool, "1.event", Capture::Extent::whole);
  const std::string body = pattern(6'000'000);
  for (std::size_t at = 0; at < body.size(); at += 50'000) {
    capture.append(std::string_view(body).substr(at, 50'000));
  }
  CHECK(disk.spool.open_capture("1.event"));
  CHECK(capture.store());
  CHECK(disk.content("1.event") == body);
  CHECK_FALSE(capture.truncated());
}

TEST_CASE("of a response the first 256 KiB are kept, and the cut is noted") {
  const SpoolInTempDir disk;
  Spool spool = disk.spool;
  Capture exact(&spool, "1.answer", Capture::Extent::prefix);
  const std::string body = pattern(Capture::kMaxResponseBytes);
  exact.append(body);
  CHECK_FALSE(exact.truncated());
  exact.append("x");
  CHECK(exact.truncated());
  CHECK(exact.store());
  CHECK(disk.content("1.answer") == body);
}

TEST_CASE("a file that nobody stored is removed with its capture") {
  const SpoolInTempDir disk;
  Spool spool = disk.spool;
  {
    Capture capture(&spool, "1.event", Capture::Extent::whole);
    capture.append(pattern(100'000));
    CHECK(disk.spool.open_capture("1.event"));
  }
  CHECK_FALSE(disk.spool.open_capture("1.event"));
}

TEST_CASE("a stored file stays when its capture goes, if a record names it") {
  const SpoolInTempDir disk;
  Spool spool = disk.spool;
  {
    Capture kept(&spool, "1.event", Capture::Extent::whole);
    Capture left(&spool, "2.event", Capture::Extent::whole);
    kept.append(pattern(100'000));
    left.append("{}");
    CHECK(kept.store());
    CHECK(left.store());
    kept.keep();
    CHECK(disk.content("2.event") == "{}");
  }
  CHECK(disk.content("1.event") == pattern(100'000));
  CHECK_FALSE(disk.spool.open_capture("2.event"));
}

TEST_CASE("a body that outgrows the limit gives its room back and says why when it is stored") {
  const testing::TempDir folder;
  Spool spool = Spool::create(folder.path(), "stream", 250'000).value();
  Capture capture(&spool, "1.event", Capture::Extent::whole);
  capture.append(pattern(200'000));
  CHECK(spool.open_capture("1.event"));
  capture.append(pattern(200'000));
  CHECK_FALSE(spool.open_capture("1.event"));
  capture.append(pattern(10));
  const auto stored = capture.store();
  REQUIRE_FALSE(stored);
  CHECK(stored.error().code == ErrorCode::no_space);
  CHECK(stored.error().message.find("POSTLUDE_SPOOL_LIMIT") != std::string::npos);
  CHECK(spool.write_capture("2.event", pattern(250'000)));
}

TEST_CASE("a small body that had no room is stored once there is some") {
  const testing::TempDir folder;
  Spool spool = Spool::create(folder.path(), "stream", 100).value();
  REQUIRE(spool.write_capture("1.event", pattern(99)));
  Capture capture(&spool, "2.event", Capture::Extent::whole);
  capture.append("{}");
  CHECK_FALSE(capture.store());
  CHECK_FALSE(spool.open_capture("2.event"));
  spool.remove_capture("1.event");
  CHECK(capture.store());
}

TEST_CASE("a file that a function removed meanwhile is made again, whole") {
  const SpoolInTempDir disk;
  Spool spool = disk.spool;
  Capture capture(&spool, "1.event", Capture::Extent::whole);
  capture.append(pattern(100'000));
  disk.spool.remove_capture("1.event");
  REQUIRE(::rmdir(disk.spool.folder().c_str()) == 0);
  CHECK(capture.store());
  CHECK(disk.content("1.event") == pattern(100'000));
}

TEST_CASE("a body that cannot be written is reported when it is to be stored, not before") {
  const SpoolInTempDir disk;
  Spool spool = Spool::attach("/dev/null/nowhere");
  Capture capture(&spool, "1.event", Capture::Extent::whole);
  capture.append(pattern(100'000));
  capture.append("more");
  const auto stored = capture.store();
  REQUIRE_FALSE(stored);
  CHECK(stored.error().message.find("/dev/null/nowhere") != std::string::npos);
}

TEST_CASE("a cleared capture starts over") {
  const SpoolInTempDir disk;
  Spool spool = disk.spool;
  Capture capture(&spool, "1.answer", Capture::Extent::prefix);
  capture.append("first answer, refused");
  capture.clear();
  capture.append("second");
  CHECK(capture.store());
  CHECK(disk.content("1.answer") == "second");
}

TEST_CASE("a stored body stays open, and its bytes outlive its name") {
  const SpoolInTempDir disk;
  Spool spool = disk.spool;
  Capture capture(&spool, "1.event", Capture::Extent::whole);
  capture.append("abc");
  CHECK(capture.fd() == -1);
  REQUIRE(capture.store());
  disk.spool.remove_capture("1.event");
  CHECK(read_all(capture.fd(), 100, "1.event") == "abc");
  REQUIRE(capture.store());
  CHECK(disk.content("1.event") == "abc");
}
