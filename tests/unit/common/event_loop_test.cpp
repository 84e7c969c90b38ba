#include "common/event_loop.h"

#include "common/unique_fd.h"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <string>
#include <thread>

namespace postlude {
namespace {

struct Pipe {
  Pipe() {
    std::array<int, 2> ends = {-1, -1};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0);
    reader = UniqueFd(ends[0]);
    writer = UniqueFd(ends[1]);
  }
  void write() const { REQUIRE(::write(writer.get(), "x", 1) == 1); }
  void read() const {
    char byte = 0;
    REQUIRE(::read(reader.get(), &byte, 1) == 1);
  }

  UniqueFd reader;
  UniqueFd writer;
};

TEST_CASE("a ready descriptor calls its handler with what it is ready for") {
  EventLoop loop;
  const Pipe pipe;
  pipe.write();
  short seen = 0;
  const auto slot = loop.add(pipe.reader.get(), POLLIN, [&](short revents) {
    seen = revents;
    loop.stop();
  });
  loop.run();
  CHECK(seen == POLLIN);
  loop.remove(slot);
}

TEST_CASE("a slot removed in a round is not called any more in it") {
  EventLoop loop;
  const Pipe first;
  const Pipe second;
  first.write();
  second.write();
  int calls = 0;
  std::optional<EventLoop::Slot> slots[2];
  const auto handler = [&](std::size_t own, std::size_t other) {
    return [&, own, other](short) {
      ++calls;
      CHECK(loop.pending(*slots[other]) != 0);
      loop.remove(*slots[other]);
      loop.remove(*slots[own]);
      loop.stop();
    };
  };
  slots[0] = loop.add(first.reader.get(), POLLIN, handler(0, 1));
  slots[1] = loop.add(second.reader.get(), POLLIN, handler(1, 0));
  loop.run();
  CHECK(calls == 1);
}

TEST_CASE("a slot added in a round is first called in the next, also in a place just freed") {
  EventLoop loop;
  const Pipe pipe;
  pipe.write();
  std::string order;
  std::optional<EventLoop::Slot> first;
  std::optional<EventLoop::Slot> second;
  first = loop.add(pipe.reader.get(), POLLIN, [&](short) {
    order += "first ";
    loop.remove(*first);
    second = loop.add(pipe.reader.get(), POLLIN, [&](short) {
      order += "second ";
      loop.remove(*second);
      loop.stop();
    });
    loop.after_round([&] { order += "round "; });
  });
  loop.run();
  CHECK(order == "first round second ");
}

TEST_CASE("a handler may remove itself and add many others while it runs") {
  EventLoop loop;
  const Pipe pipe;
  pipe.write();
  const std::string captured(100, 'c');  // too large for a handler's small buffer
  std::string seen;
  std::optional<EventLoop::Slot> slot;
  slot = loop.add(pipe.reader.get(), POLLIN, [&, captured](short) {
    loop.remove(*slot);
    for (int i = 0; i < 100; ++i) {
      static_cast<void>(loop.add(pipe.writer.get(), 0, [](short) {}));
    }
    seen = captured;
    loop.stop();
  });
  loop.run();
  CHECK(seen.size() == 100);
}

TEST_CASE("what is wanted of a slot can be changed, and nothing wanted still tells of a hang-up") {
  EventLoop loop;
  Pipe pipe;
  pipe.write();
  short seen = 0;
  const auto slot = loop.add(pipe.reader.get(), 0, [&](short revents) {
    seen = revents;
    loop.stop();
  });
  loop.after_round([&] { pipe.writer.reset(); });
  bool alarmed = false;
  static_cast<void>(loop.at(now(), [&] { alarmed = true; }));
  loop.run();
  CHECK(alarmed);
  CHECK((seen & POLLHUP) != 0);
  CHECK((seen & POLLIN) == 0);
  loop.set_events(slot, POLLIN);
  loop.run();
  CHECK((seen & POLLIN) != 0);
  loop.remove(slot);
}

TEST_CASE("timers run once, in any order set, and not when cancelled") {
  EventLoop loop;
  std::string order;
  const EpochTime start = now();
  loop.at(start + Millis(20), [&] {
    order += "c";
    loop.stop();
  });
  loop.at(start + Millis(10), [&] { order += "b"; });
  loop.at(start - Millis(1000), [&] { order += "a"; });
  const auto cancelled = loop.at(start + Millis(5), [&] { order += "!"; });
  loop.cancel(cancelled);
  loop.cancel(cancelled);
  loop.cancel(4711);
  loop.run();
  CHECK(order == "abc");
  CHECK(now() >= start + Millis(20));
}

TEST_CASE("a timer may set and cancel others") {
  EventLoop loop;
  std::string order;
  EventLoop::TimerId doomed = 0;
  loop.at(now(), [&] {
    order += "a";
    loop.cancel(doomed);
    loop.at(now(), [&] {
      order += "b";
      loop.stop();
    });
  });
  doomed = loop.at(now() + Millis(1), [&] { order += "!"; });
  loop.run();
  CHECK(order == "ab");
}

TEST_CASE(
    "a round that is stopped in its midst is noticed as frozen, before anything else happens") {
  EventLoop loop;
  const Pipe pipe;
  pipe.write();
  std::string order;
  loop.on_thaw([&] { order += "thaw "; });
  loop.at(now() + Millis(50), [&] {
    order += "timer ";
    loop.stop();
  });
  const auto slot = loop.add(pipe.reader.get(), POLLIN, [&](short) {
    pipe.read();
    order += "first ";
    // As a freeze while a handler runs.
    CHECK(::poll(nullptr, 0, static_cast<int>((EventLoop::kFrozen + Millis(100)).count())) == 0);
  });
  loop.run();
  CHECK(order == "first thaw timer ");
  loop.remove(slot);
}

TEST_CASE("a round that stops in what runs after it is noticed as frozen in the next one") {
  EventLoop loop;
  const Pipe pipe;
  std::string order;
  loop.on_thaw([&] { order += "thaw "; });
  const auto slot = loop.add(pipe.reader.get(), POLLIN, [&](short) {
    order += "handler ";
    loop.stop();
  });
  loop.after_round([&] {
    CHECK(::poll(nullptr, 0, static_cast<int>((EventLoop::kFrozen + Millis(100)).count())) == 0);
    pipe.write();
  });
  loop.at(now(), [] {});
  loop.run();
  CHECK(order == "thaw handler ");
  loop.remove(slot);
}

TEST_CASE("waiting for a timer or for nothing is no freeze") {
  EventLoop loop;
  const Pipe pipe;
  int thaws = 0;
  loop.on_thaw([&] { ++thaws; });
  loop.at(now() + EventLoop::kFrozen + 2 * EventLoop::kLongestWait, [&] { loop.stop(); });
  loop.run();
  CHECK(thaws == 0);
  std::jthread writer([&] {
    ::poll(nullptr, 0, static_cast<int>((EventLoop::kFrozen + Millis(100)).count()));
    pipe.write();
  });
  const auto slot = loop.add(pipe.reader.get(), POLLIN, [&](short) { loop.stop(); });
  loop.run();
  CHECK(thaws == 0);
  loop.remove(slot);
}

TEST_CASE("what runs after the round may ask for more of it") {
  EventLoop loop;
  std::string order;
  loop.at(now(), [&] {
    loop.after_round([&] {
      order += "a";
      loop.after_round([&] {
        order += "b";
        loop.stop();
      });
    });
  });
  loop.run();
  CHECK(order == "ab");
}

}  // namespace
}  // namespace postlude
