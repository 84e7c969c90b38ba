#include "runtime/relay_lane.h"

#include "common/unique_fd.h"

#include <doctest/doctest.h>

#include <sys/socket.h>

#include <array>
#include <memory>
#include <string>

namespace postlude::runtime {
namespace {

using Io = RelayLane::Io;

/// Two connected sockets: what the test writes into one, the lane receives from the other.
struct Link {
  Link() {
    std::array<int, 2> ends = {-1, -1};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) == 0);
    ours = UniqueFd(ends[0]);
    lanes = UniqueFd(ends[1]);
  }
  void write(std::string_view bytes) const {
    REQUIRE(::send(ours.get(), bytes.data(), bytes.size(), 0) ==
            static_cast<ssize_t>(bytes.size()));
  }
  [[nodiscard]] std::string read() const {
    std::string result;
    std::array<char, 4096> block = {};
    ssize_t size = 0;
    while ((size = ::recv(ours.get(), block.data(), block.size(), 0)) > 0) {
      result.append(block.data(), static_cast<std::size_t>(size));
    }
    return result;
  }

  UniqueFd ours;
  UniqueFd lanes;
};

class Lane {
 public:
  [[nodiscard]] Io receive(const Link& from) { return lane.receive(from.lanes.get(), *scratch_); }
  /// Steps over everything that is whole.
  void step_all() {
    while (true) {
      const FramingEvent event = lane.step().event;
      if (event == FramingEvent::need_more || event == FramingEvent::end ||
          event == FramingEvent::invalid) {
        return;
      }
    }
  }
  void pass(const Link& from, const Link& to) {
    while (receive(from) == Io::progress) {
      step_all();
      static_cast<void>(lane.send(to.lanes.get()));
      lane.keep();
      // Other connections use the block in between.
      scratch_->fill('#');
    }
  }

  RelayLane lane{MessageKind::request};

 private:
  std::unique_ptr<ScratchBlock> scratch_ = std::make_unique<ScratchBlock>();
};

constexpr std::string_view kRequest =
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: 1\r\n\r\n";

TEST_CASE("what is understood is sent on, what is not whole waits, wherever it is split") {
  for (std::size_t at = 1; at < kRequest.size(); ++at) {
    CAPTURE(at);
    const Link from;
    const Link to;
    Lane lane;
    from.write(kRequest.substr(0, at));
    lane.pass(from, to);
    const std::string first = to.read();
    CHECK(kRequest.substr(0, at).starts_with(first));
    from.write(kRequest.substr(at));
    lane.pass(from, to);
    CHECK(first + to.read() == kRequest);
    CHECK_FALSE(lane.lane.unsent());
    CHECK_FALSE(lane.lane.unread());
  }
}

TEST_CASE("what the other side does not take is kept, in order") {
  const Link from;
  const Link to;
  Lane lane;
  std::string sent = "POST / HTTP/1.1\r\nContent-Length: 10000000\r\n\r\n";
  from.write(sent);
  lane.pass(from, to);
  std::string got = to.read();
  while (!lane.lane.unsent()) {
    const std::string piece(30'000, static_cast<char>('a' + sent.size() % 26));
    from.write(piece);
    sent.append(piece);
    REQUIRE(lane.receive(from) == Io::progress);
    lane.step_all();
    static_cast<void>(lane.lane.send(to.lanes.get()));
    lane.lane.keep();
  }
  CHECK(lane.lane.send(to.lanes.get()) == Io::blocked);
  got.append(to.read());
  CHECK(lane.lane.send(to.lanes.get()) == Io::progress);
  lane.lane.keep();
  got.append(to.read());
  CHECK(got == sent);
}

TEST_CASE("nothing is sent before there is a socket, then all of it") {
  const Link from;
  const Link to;
  Lane lane;
  from.write(kRequest);
  REQUIRE(lane.receive(from) == Io::progress);
  lane.step_all();
  CHECK(lane.lane.send(-1) == Io::blocked);
  lane.lane.keep();
  CHECK(lane.lane.send(to.lanes.get()) == Io::progress);
  CHECK(to.read() == kRequest);
}

TEST_CASE("a head can be withheld, approved later, or dropped") {
  const Link from;
  const Link to;
  Lane lane;
  constexpr std::string_view kHead = "GET / HTTP/1.1\r\n\r\n";
  from.write(kHead);
  REQUIRE(lane.receive(from) == Io::progress);
  const FramingStep step = lane.lane.step();
  REQUIRE(step.event == FramingEvent::head);
  CHECK(lane.lane.stepped(step.consumed) == kHead);
  lane.lane.withhold(step.consumed);
  CHECK_FALSE(lane.lane.unsent());
  CHECK(lane.lane.unread());
  lane.lane.keep();
  lane.lane.approve(step.consumed);
  CHECK(lane.lane.unsent());
  lane.lane.drop(step.consumed);
  CHECK(lane.lane.send(to.lanes.get()) == Io::progress);
  lane.lane.keep();
  CHECK(to.read().empty());
  CHECK_FALSE(lane.lane.unread());
}

TEST_CASE("the end of the stream and a broken connection are told apart from a wait") {
  Link from;
  Lane lane;
  CHECK(lane.receive(from) == Io::blocked);
  CHECK_FALSE(lane.lane.ended());
  ::shutdown(from.ours.get(), SHUT_WR);
  CHECK(lane.receive(from) == Io::closed);
  CHECK(lane.lane.ended());

  Lane sender;
  sender.lane.place("bytes of our own");
  from.ours.reset();
  CHECK(sender.lane.send(from.lanes.get()) == Io::reset);
  CHECK(sender.lane.unsent());
  sender.lane.discard();
  CHECK_FALSE(sender.lane.unsent());
  CHECK_FALSE(sender.lane.unread());
}

TEST_CASE("bytes of our own are sent in the order they were placed") {
  const Link to;
  Lane lane;
  lane.lane.place("one ");
  lane.lane.place("two");
  CHECK(lane.lane.send(to.lanes.get()) == Io::progress);
  lane.lane.keep();
  CHECK(to.read() == "one two");
}

TEST_CASE("what was not approved can be forgotten, from the block and from what was kept") {
  for (const bool kept : {false, true}) {
    CAPTURE(kept);
    const Link from;
    const Link to;
    Lane lane;
    from.write("GET / HTTP/1.1\r\n\r\nGET /rest");
    REQUIRE(lane.receive(from) == Io::progress);
    REQUIRE(lane.lane.step().event == FramingEvent::head);
    if (kept) {
      lane.lane.keep();
    }
    lane.lane.drop_rest();
    CHECK(lane.lane.rest().empty());
    CHECK(lane.lane.send(to.lanes.get()) == Io::progress);
    lane.lane.keep();
    CHECK(to.read() == "GET / HTTP/1.1\r\n\r\n");
    CHECK_FALSE(lane.lane.unread());
  }
}

TEST_CASE("a lane can be moved with the half head it holds") {
  const Link from;
  Lane lane;
  from.write("GET / HT");
  REQUIRE(lane.receive(from) == Io::progress);
  lane.step_all();
  lane.lane.keep();
  RelayLane moved = std::move(lane.lane);
  from.write("TP/1.1\r\n\r\n");
  auto scratch = std::make_unique<ScratchBlock>();
  REQUIRE(moved.receive(from.lanes.get(), *scratch) == Io::progress);
  const FramingStep step = moved.step();
  CHECK(step.event == FramingEvent::head);
  CHECK(moved.stepped(step.consumed) == "GET / HTTP/1.1\r\n\r\n");
}

}  // namespace
}  // namespace postlude::runtime
