#include "runtime/relay.h"

#include "common/tcp.h"
#include "tests/fakes/scripted_platform.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

// What passes through is judged by the stories of tests/functional/relay; here it is what the relay
// tells of it, and when.
namespace postlude::runtime {
namespace {

using testing::ScriptedPlatform;

/// Writes down what the relay tells. Its answers are set by the test, from another thread.
class Recorder {
 public:
  Recorder() {
    table.poll_asked = [this](ExchangeKind kind) {
      note(kind == ExchangeKind::next ? "asked" : "asked-restore");
    };
    table.own_event = [] { return std::optional<OwnEvent>(); };
    table.may_poll = [this] { return may_poll.load(); };
    table.poll_went_up = [this] { note("up"); };
    table.restored = [this] { note("restored"); };
    table.event_head = [this](const HttpHead& head) {
      note(fmt::format("event({})", head.find("Lambda-Runtime-Aws-Request-Id").value_or("?")));
      return event_sequence.load();
    };
    table.event_bytes = [this](std::uint64_t sequence, std::string_view bytes) {
      note(fmt::format("event{}[{}]", sequence, bytes));
    };
    table.answer_head = [this](const Exchange& exchange, const HttpHead&) {
      const bool error = exchange.kind == ExchangeKind::invocation_error;
      note(fmt::format("{}({})", error ? "error" : "response", exchange.request_id));
      return AnswerTurn{.sequence = answer_sequence.load()};
    };
    table.answer_bytes = [this](std::uint64_t sequence, std::string_view bytes) {
      note(fmt::format("answer{}[{}]", sequence, bytes));
    };
    table.answer_trailers = [this](std::uint64_t sequence, std::string_view lines) {
      note(fmt::format("trailers{}[{}]", sequence, lines.size()));
    };
    table.answer_sent = [this](std::uint64_t sequence) { note(fmt::format("sent{}", sequence)); };
    table.answer_cut = [this](std::uint64_t sequence) { note(fmt::format("cut{}", sequence)); };
    table.answer_withdrawn = [this](std::uint64_t sequence) {
      note(fmt::format("withdrawn{}", sequence));
    };
    table.answer_acknowledged = [this](std::uint64_t sequence, int status) {
      note(fmt::format("acknowledged{}={}", sequence, status));
    };
    table.extension_health = [] { return ExtensionHealth::running; };
  }

  /// Everything so far, once it holds `last` at the end.
  [[nodiscard]] std::string until(std::string_view last) {
    const EpochTime deadline = now() + std::chrono::seconds(30);
    std::unique_lock lock(mutex_);
    while (!text_.ends_with(std::string(last) + " ")) {
      REQUIRE_MESSAGE(changed_.wait_until(lock, deadline) == std::cv_status::no_timeout, text_);
    }
    return std::exchange(text_, {});
  }

  RelayTraffic table;
  std::atomic<bool> may_poll{true};
  std::atomic<std::uint64_t> event_sequence{7};
  std::atomic<std::uint64_t> answer_sequence{7};

 private:
  void note(const std::string& word) {
    const std::lock_guard lock(mutex_);
    text_.append(word).append(" ");
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
};

/// The relay in a loop of its own thread, between a platform and runtime connections of the test.
class Fixture {
 public:
  explicit Fixture(ResponseMode mode = ResponseMode::passthrough)
      : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    const auto address = resolve_tcp(platform.address());
    REQUIRE(address);
    address_ = *address;
    auto relay = Relay::listen(loop_, address_, recorder.table, mode);
    REQUIRE(relay);
    relay_ = std::move(*relay);
    slot_ = loop_.add(wake_.get(), POLLIN, [this](short) { take_order(); });
    thread_ = std::jthread([this] { loop_.run(); });
  }
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;
  ~Fixture() {
    order(Order::stop);
    thread_.join();
    loop_.remove(slot_);
  }

  enum class Order : std::uint64_t { resume = 1, stop = 1000 };
  void order(Order what) const {
    const auto value = static_cast<std::uint64_t>(what);
    REQUIRE(::write(wake_.get(), &value, sizeof value) == sizeof value);
  }

  /// A blocking connection to the relay.
  [[nodiscard]] UniqueFd runtime() const {
    const auto address = resolve_tcp(relay_->address());
    REQUIRE(address);
    auto fd = start_connect(*address);
    REQUIRE(fd);
    return std::move(*fd);
  }

  ScriptedPlatform platform;
  Recorder recorder;

 private:
  void take_order() {
    std::uint64_t value = 0;
    static_cast<void>(!::read(wake_.get(), &value, sizeof value));
    if (value >= static_cast<std::uint64_t>(Order::stop)) {
      loop_.stop();
    } else {
      relay_->resume_polls();
    }
  }

  EventLoop loop_;
  UniqueFd wake_;
  EventLoop::Slot slot_ = 0;
  TcpAddress address_;
  std::unique_ptr<Relay> relay_;
  std::jthread thread_;
};

void send(const UniqueFd& fd, std::string_view bytes) {
  while (!bytes.empty()) {
    pollfd watched = {fd.get(), POLLOUT, 0};
    REQUIRE(::poll(&watched, 1, 30'000) == 1);
    const ssize_t size = ::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    REQUIRE(size > 0);
    bytes.remove_prefix(static_cast<std::size_t>(size));
  }
}

constexpr std::string_view kNext = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n\r\n";
constexpr std::string_view kEvent =
    "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: id\r\nContent-Length: 5\r\n\r\nevent";
constexpr std::string_view kResponse =
    "POST /2018-06-01/runtime/invocation/id/response HTTP/1.1\r\nContent-Length: 4\r\n\r\n1234";
constexpr std::string_view kStream =
    "POST /2018-06-01/runtime/invocation/id/response HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    "2\r\nab\r\n";
constexpr std::string_view kAccepted = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";

void deliver_event(Fixture& fixture, const UniqueFd& runtime) {
  send(runtime, kNext);
  CHECK(fixture.platform.next_request() == kNext);
  fixture.platform.send(kEvent);
  CHECK(fixture.recorder.until("event7[event]") == "asked up event(id) event7[event] ");
}

TEST_CASE("one invocation is told from its poll to its acknowledgement") {
  Fixture fixture;
  const UniqueFd runtime = fixture.runtime();
  deliver_event(fixture, runtime);
  send(runtime, kResponse);
  CHECK(fixture.platform.next_request() == kResponse);
  CHECK(fixture.recorder.until("sent7") == "response(id) answer7[1234] sent7 ");
  fixture.platform.send(kAccepted);
  CHECK(fixture.recorder.until("acknowledged7=202") == "acknowledged7=202 ");
}

TEST_CASE("trailers are told, and chunk framing is not") {
  Fixture fixture;
  const UniqueFd runtime = fixture.runtime();
  deliver_event(fixture, runtime);
  send(runtime, std::string(kStream) + "0\r\nX: 1\r\n\r\n");
  CHECK(fixture.recorder.until("sent7") == "response(id) answer7[ab] trailers7[8] sent7 ");
}

TEST_CASE(
    "a collected answer is told as the function gave it, and as sent when all of it went up") {
  Fixture fixture(ResponseMode::stream);
  const UniqueFd runtime = fixture.runtime();
  deliver_event(fixture, runtime);
  const std::string head = "POST /2018-06-01/runtime/invocation/id/response HTTP/1.1\r\n";
  const std::string result = R"({"statusCode":200,"body":"\u0041"})";
  send(runtime, head + "Content-Length: 34\r\n\r\n" + result.substr(0, 20));
  CHECK(fixture.recorder.until("]") == "response(id) answer7[" + result.substr(0, 20) + "] ");
  CHECK_FALSE(fixture.platform.has_request());
  send(runtime, result.substr(20));
  CHECK(fixture.recorder.until("sent7") == "answer7[" + result.substr(20) + "] sent7 ");
  CHECK(fixture.platform.has_request());
  fixture.platform.send(kAccepted);
  CHECK(fixture.recorder.until("acknowledged7=202") == "acknowledged7=202 ");
}

TEST_CASE("a collected answer is not told as sent while the platform does not read it") {
  Fixture fixture(ResponseMode::stream);
  const UniqueFd runtime = fixture.runtime();
  deliver_event(fixture, runtime);
  const std::string body(6'000'000, 'x');  // more than the sockets hold
  send(runtime,
       fmt::format("POST /2018-06-01/runtime/invocation/id/response HTTP/1.1\r\n"
                   "Content-Length: {}\r\n\r\n{}",
                   body.size(),
                   body));
  fixture.platform.await_bytes();  // before that nothing can be answered
  fixture.platform.send("HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n");
  const std::string told = fixture.recorder.until("acknowledged7=410");
  CHECK(told.find("sent7") == std::string::npos);
  CHECK(told.find("answer7[xxx") != std::string::npos);
}

TEST_CASE("a collected answer that breaks off is withdrawn, since nothing of it went up") {
  Fixture fixture(ResponseMode::stream);
  UniqueFd runtime = fixture.runtime();
  deliver_event(fixture, runtime);
  send(runtime, kStream);
  CHECK(fixture.recorder.until("answer7[ab]") == "response(id) answer7[ab] ");
  runtime.reset();
  CHECK(fixture.recorder.until("withdrawn7") == "withdrawn7 ");
}

TEST_CASE("an answer that does not count is relayed and not followed") {
  Fixture fixture;
  const UniqueFd runtime = fixture.runtime();
  deliver_event(fixture, runtime);
  fixture.recorder.answer_sequence = 0;
  send(runtime,
       "POST /2018-06-01/runtime/invocation/id/error HTTP/1.1\r\nContent-Length: 1\r\n\r\nx");
  static_cast<void>(fixture.platform.next_request());
  fixture.platform.send(kAccepted);
  send(runtime, kNext);
  CHECK(fixture.recorder.until("up") == "error(id) asked up ");
}

TEST_CASE("an event is told only when the platform delivers one") {
  Fixture fixture;
  const UniqueFd runtime = fixture.runtime();
  send(runtime, kNext);
  static_cast<void>(fixture.platform.next_request());
  CHECK(fixture.recorder.until("up") == "asked up ");
  fixture.platform.answer(403, "{}");
  send(runtime, kNext);
  CHECK(fixture.recorder.until("up") == "asked up ");
}

TEST_CASE(
    "the runtime's end in its answer is a cut, the platform's end before its word is a loss") {
  Fixture fixture;
  UniqueFd runtime = fixture.runtime();
  deliver_event(fixture, runtime);
  send(runtime, kStream);
  CHECK(fixture.recorder.until("answer7[ab]") == "response(id) answer7[ab] ");
  runtime.reset();
  CHECK(fixture.recorder.until("cut7") == "cut7 ");

  fixture.platform.close_connection();
  const UniqueFd again = fixture.runtime();
  deliver_event(fixture, again);
  send(again, kResponse);
  static_cast<void>(fixture.platform.next_request());
  static_cast<void>(fixture.recorder.until("sent7"));
  fixture.platform.close_connection();
  CHECK(fixture.recorder.until("acknowledged7=0") == "acknowledged7=0 ");
}

TEST_CASE("an early refusal is told while the answer is still being sent") {
  Fixture fixture;
  const UniqueFd runtime = fixture.runtime();
  deliver_event(fixture, runtime);
  send(runtime, kStream);
  static_cast<void>(fixture.recorder.until("answer7[ab]"));
  // The scripted platform reads whole requests only; what it writes needs no request.
  fixture.platform.answer(413, "too large");
  CHECK(fixture.recorder.until("acknowledged7=413") == "acknowledged7=413 ");
}

TEST_CASE("a poll without leave is held until it is resumed with leave") {
  Fixture fixture;
  fixture.recorder.may_poll = false;
  const UniqueFd runtime = fixture.runtime();
  send(runtime, "GET /2018-06-01/runtime/restore/next HTTP/1.1\r\n\r\n");
  CHECK(fixture.recorder.until("asked-restore") == "asked-restore ");
  fixture.order(Fixture::Order::resume);
  const UniqueFd other = fixture.runtime();
  send(other, kNext);
  CHECK(fixture.recorder.until("asked") == "asked ");
  CHECK_FALSE(fixture.platform.has_request());
  fixture.recorder.may_poll = true;
  fixture.order(Fixture::Order::resume);
  CHECK(fixture.recorder.until("up up") == "up up ");
}

TEST_CASE("the answer to restore/next tells that this is a copy, unless it is a refusal") {
  Fixture fixture;
  const UniqueFd runtime = fixture.runtime();
  const std::string restore = "GET /2018-06-01/runtime/restore/next HTTP/1.1\r\n\r\n";
  send(runtime, restore);
  CHECK(fixture.platform.next_request() == restore);
  fixture.platform.answer(404, "");
  send(runtime, restore);
  CHECK(fixture.platform.next_request() == restore);
  CHECK(fixture.recorder.until("up asked-restore up") == "asked-restore up asked-restore up ");
  fixture.platform.answer(200, "");
  CHECK(fixture.recorder.until("restored") == "restored ");
}

TEST_CASE("an orphaned poll that is taken over is told as the next poll's") {
  Fixture fixture;
  UniqueFd runtime = fixture.runtime();
  send(runtime, kNext);
  CHECK(fixture.platform.next_request() == kNext);
  static_cast<void>(fixture.recorder.until("asked up"));
  runtime.reset();
  const UniqueFd second = fixture.runtime();
  send(second, kNext);
  CHECK(fixture.recorder.until("asked up") == "asked up ");
  fixture.platform.send(kEvent);
  CHECK(fixture.recorder.until("event7[event]") == "event(id) event7[event] ");
}

}  // namespace
}  // namespace postlude::runtime
