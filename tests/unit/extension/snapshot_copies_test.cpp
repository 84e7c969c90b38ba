// SnapStart: environments that were restored from one snapshot. A fork copies the memory of a
// process as a snapshot does, generators included.
#include "common/child_process.h"
#include "common/spool.h"
#include "extension/fresh_random.h"
#include "extension/handler_event.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

namespace postlude::extension {
namespace {

std::string draw() {
  AttemptInput input;
  input.record.id = "r/again/1";
  return fmt::format("{} {}", reenter_for(input, {"r", 1}, 0).request_id, fresh_fraction());
}

}  // namespace

TEST_CASE("copies of one process draw different request ids and random numbers") {
  static_cast<void>(draw());  // what there is of state is there before the snapshot
  const UniqueFd shared(::memfd_create("copies", MFD_CLOEXEC));
  REQUIRE(shared);
  const pid_t copy = ::fork();
  if (copy == 0) {
    static_cast<void>(write_all(shared.get(), draw(), "copy"));
    ::_exit(0);
  }
  REQUIRE(copy > 0);
  const std::string ours = draw();
  CHECK(wait_for(copy).success());
  const auto others = read_all(shared.get(), 4096, "copy");
  REQUIRE(others);
  const auto first = [](const std::string& text) { return text.substr(0, text.find(' ')); };
  const auto second = [](const std::string& text) { return text.substr(text.find(' ') + 1); };
  CHECK(first(ours).size() == 36);
  CHECK(first(*others).size() == 36);
  CHECK(first(ours) != first(*others));
  CHECK(second(ours) != second(*others));
}

}  // namespace postlude::extension
