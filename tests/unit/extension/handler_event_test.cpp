#include "extension/handler_event.h"

#include "tests/fakes/temp_dir.h"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string>

namespace postlude::extension {
using testing::TempDir;

namespace {

std::string contents(const HandlerEvent& event) {
  std::string text(event.bytes, '\0');
  REQUIRE(::pread(event.file.get(), text.data(), text.size(), 0) ==
          static_cast<ssize_t>(text.size()));
  return text;
}

std::string place_of(const HandlerEvent& event) {
  std::array<char, 256> path{};
  const std::string link = "/proc/self/fd/" + std::to_string(event.file.get());
  const ssize_t size = ::readlink(link.c_str(), path.data(), path.size());
  REQUIRE(size > 0);
  return {path.data(), static_cast<std::size_t>(size)};
}

}  // namespace

TEST_CASE("an event with values in it, which may be secrets, touches no disk") {
  const TempDir folder;
  const auto event = write_handler_event(R"({"token":"secret"})", AttemptInput{}, folder.path());
  REQUIRE(event);
  CHECK(contents(*event) == R"({"token":"secret"})");
  CHECK(place_of(*event).starts_with("/memfd:"));
}

TEST_CASE("a task document is written to a file without a name") {
  const TempDir folder;
  AttemptInput input;
  input.record.id = "r/again/1";
  const auto event = write_handler_event(std::nullopt, input, folder.path());
  REQUIRE(event);
  CHECK(contents(*event).starts_with(R"({"postlude":{"id":"r/again/1")"));
  struct stat info = {};
  REQUIRE(::fstat(event->file.get(), &info) == 0);
  CHECK(info.st_nlink == 0);
}

}  // namespace postlude::extension
