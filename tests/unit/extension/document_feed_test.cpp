#include "extension/document_feed.h"

#include "common/signals.h"
#include "tests/fakes/temp_dir.h"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <optional>
#include <string>

namespace postlude::extension {
using testing::TempDir;

namespace {

struct Fixture {
  Fixture() : signals(*Signals::block({SIGCHLD})) {
    std::array<int, 2> ends = {-1, -1};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0);
    reader.reset(ends[0]);
    writer.reset(ends[1]);
    REQUIRE(::fcntl(writer.get(), F_SETPIPE_SZ, 4096) == 4096);
  }

  EventFile event(const std::string& content) {
    event_fd.reset(::open(folder.write("event", content).c_str(), O_RDONLY | O_CLOEXEC));
    return {event_fd.get(), content.size()};
  }

  void feed(const TaskDocument& document, EventFile file) {
    under_test.emplace(loop, std::move(writer), document, file);
  }

  void turn() {
    loop.at(now(), [this] { loop.stop(); });
    loop.run();
  }

  /// Reads what is there, `piece` bytes between two turns of the loop, up to the end of the pipe.
  std::string read_all_of_it(std::size_t piece) {
    std::string text;
    std::string buffer(piece, '\0');
    for (int turns = 0; turns < 100'000; ++turns) {
      const ssize_t size = ::read(reader.get(), buffer.data(), buffer.size());
      if (size == 0) {
        return text;
      }
      if (size > 0) {
        text.append(buffer.data(), static_cast<std::size_t>(size));
      } else {
        REQUIRE(errno == EAGAIN);
      }
      turn();
    }
    FAIL("the document does not end");
    return text;
  }

  Signals signals;  ///< ignores SIGPIPE, as in the extension
  TempDir folder;
  EventLoop loop;
  UniqueFd reader;
  UniqueFd writer;
  UniqueFd event_fd;
  std::optional<DocumentFeed> under_test;
};

const TaskDocument kDocument = {R"({"event":)", "}\n"};

}  // namespace

TEST_CASE("a document that fits into the pipe is there at once, and the pipe is closed behind it") {
  Fixture fixture;
  fixture.feed(kDocument, fixture.event("[1]"));
  CHECK(fixture.read_all_of_it(100) == "{\"event\":[1]}\n");
}

TEST_CASE("without an event, null is written") {
  Fixture fixture;
  fixture.feed(kDocument, {});
  CHECK(fixture.read_all_of_it(100) == "{\"event\":null}\n");
  Fixture empty;
  empty.feed(kDocument, empty.event(""));
  CHECK(empty.read_all_of_it(100) == "{\"event\":null}\n");
}

TEST_CASE("texts and event larger than the pipe arrive whole, however they are read") {
  const std::string before(20'000, 'b');
  const std::string content(200'000, 'e');
  const std::string after(30'000, 'a');
  for (const std::size_t piece : {std::size_t{777}, std::size_t{4096}, std::size_t{100'000}}) {
    CAPTURE(piece);
    Fixture fixture;
    fixture.feed({before, after}, fixture.event(content));
    std::string whole = before;
    whole.append(content).append(after);
    CHECK((fixture.read_all_of_it(piece) == whole));
  }
}

TEST_CASE("two feeds of one event do not disturb each other") {
  Fixture first;
  Fixture second;
  const std::string content(50'000, 'e');
  const EventFile event = first.event(content);
  first.feed(kDocument, event);
  second.feed(kDocument, event);
  CHECK((second.read_all_of_it(5000) == first.read_all_of_it(3000)));
}

TEST_CASE("a reader that goes away ends the feed quietly") {
  Fixture fixture;
  fixture.feed(kDocument, fixture.event(std::string(100'000, 'e')));
  fixture.reader.reset();
  fixture.turn();
  fixture.turn();
  fixture.under_test->close();
}

TEST_CASE("an event file that somebody cut ends the document where it ends") {
  Fixture fixture;
  const EventFile event = fixture.event(std::string(100'000, 'e'));
  fixture.feed(kDocument, event);
  REQUIRE(::truncate(fixture.folder.file("event").c_str(), 50'000) == 0);
  CHECK(fixture.read_all_of_it(4096).size() < 100'000);
}

}  // namespace postlude::extension
