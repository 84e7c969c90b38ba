#include "common/environment_file.h"

#include "common/spool.h"

#include <doctest/doctest.h>

#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <string_view>

namespace postlude {
namespace {

UniqueFd file_of(std::string_view text) {
  UniqueFd file(::memfd_create("test", MFD_CLOEXEC));
  REQUIRE(write_all(file.get(), text, "test"));
  return file;
}

}  // namespace

TEST_CASE("an environment passes through a file unchanged, in its order") {
  const Environment before(
      {{"A", "1"}, {"EMPTY", ""}, {"LINES", "a\nb=c"}, {"_HANDLER", "index.handler"}});
  const auto file = environment_to_file(before);
  REQUIRE(file);
  const auto after = environment_from_file(file->get());
  REQUIRE(after);
  CHECK(after->variables() == before.variables());
  // Whoever reads it does not move what another reader sees.
  CHECK(environment_from_file(file->get())->variables() == before.variables());
}

TEST_CASE("an environment without variables is one") {
  const auto file = environment_to_file(Environment());
  REQUIRE(file);
  CHECK(environment_from_file(file->get()).value().variables().empty());
}

TEST_CASE("a file that is cut or holds something else is no environment") {
  using namespace std::string_view_literals;
  for (const std::string_view text : {"A=1"sv, "A"sv, "\0="sv, "A=1\0B"sv}) {
    CHECK_FALSE(environment_from_file(file_of(text).get()));
  }
  CHECK_FALSE(environment_from_file(file_of("A=1\0NAME\0"sv).get()));
  CHECK_FALSE(environment_from_file(file_of("A=1\0B=2"sv).get()));
  const UniqueFd large(::memfd_create("test", MFD_CLOEXEC));
  REQUIRE(::ftruncate(large.get(), static_cast<off_t>(kMaxEnvironmentBytes + 1)) == 0);
  CHECK_FALSE(environment_from_file(large.get()));
}

}  // namespace postlude
