#include "tests/emulator/faults.h"

#include <doctest/doctest.h>

#include <sys/socket.h>

#include <thread>

using namespace postlude;            // NOLINT(google-build-using-namespace)
using namespace postlude::emulator;  // NOLINT(google-build-using-namespace)

TEST_CASE("an ordered fault strikes once and no other does") {
  Faults faults;
  CHECK_FALSE(faults.strike(Fault::cut_event).has_value());
  faults.order(Fault::cut_event, 7);
  CHECK_FALSE(faults.strike(Fault::cut_answer).has_value());
  CHECK(faults.strike(Fault::cut_event) == std::size_t{7});
  CHECK_FALSE(faults.strike(Fault::cut_event).has_value());
}

TEST_CASE("a held acknowledgement goes at the word, or when nobody is there for it") {
  std::array<int, 2> ends{-1, -1};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  const UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  Faults faults;
  faults.acknowledge();  // said before anybody waited
  faults.wait_acknowledge(ours.get());
  std::jthread waits([&] { faults.wait_acknowledge(ours.get()); });
  faults.acknowledge();
  waits.join();
  theirs.reset();
  faults.wait_acknowledge(ours.get());
}
