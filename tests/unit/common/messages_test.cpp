#include "common/messages_text.h"
#include "common/spool_format.h"

#include <doctest/doctest.h>

#include <string>

using namespace postlude;

namespace {

template <class T>
T round_trip(const T& message) {
  const auto decoded = decode(encode(message));
  REQUIRE(decoded);
  REQUIRE(std::holds_alternative<T>(*decoded));
  return std::get<T>(*decoded);
}

constexpr EpochTime kTime{Millis(1775516174092)};
const InvocationKey kKey{"7b3f-\"quoted\"", 42};

}  // namespace

TEST_CASE("every message comes out as it went in") {
  const auto hello = round_trip(Hello{.runtime_api = "169.254.100.1:9001",
                                      .task_root = "/var/task",
                                      .spool = "/tmp/postlude/a/1",
                                      .concurrency = 7,
                                      .deadline_margin = Millis(250),
                                      .log_level = LogLevel::warn,
                                      .metrics = true,
                                      .driven = true,
                                      .last_record = numbers_of_generation(2) + 7});
  CHECK(hello.runtime_api == "169.254.100.1:9001");
  CHECK(hello.task_root == "/var/task");
  CHECK(hello.spool == "/tmp/postlude/a/1");
  CHECK(hello.concurrency == 7);
  CHECK(hello.deadline_margin == Millis(250));
  CHECK(hello.log_level == LogLevel::warn);
  CHECK(hello.metrics);
  CHECK(hello.driven);
  CHECK(hello.last_record == numbers_of_generation(2) + 7);

  const auto replayed = round_trip(Replayed{5, 2});
  CHECK(replayed.carried == 5);
  CHECK(replayed.carried_handlers == 2);
  CHECK(round_trip(Ping{8}).number == 8);
  CHECK(round_trip(Pong{9}).number == 9);

  const auto registered = round_trip(
      Registered{.accepted = true, .identifier = "uuid", .reason = "", .hears_shutdown = true});
  CHECK(registered.hears_shutdown);
  CHECK_FALSE(registered.name_taken);
  const auto refused =
      round_trip(Registered{.identifier = "", .reason = "403", .name_taken = true});
  CHECK_FALSE(refused.accepted);
  CHECK(refused.reason == "403");
  CHECK(refused.name_taken);
  CHECK(registered.accepted);
  CHECK(registered.identifier == "uuid");

  const auto answered = round_trip(Answered{kKey, kTime});
  CHECK(answered.key == kKey);
  CHECK(answered.work_deadline == kTime);

  const auto accepted = round_trip(Accepted{kKey, "000001-0000000001-0-0-q.task", "r/t/1", true});
  CHECK(accepted.record == "000001-0000000001-0-0-q.task");
  CHECK(accepted.id == "r/t/1");
  CHECK(accepted.at_once);

  const auto dropped = round_trip(Dropped{kKey, "r/t/1", "t", "disk full"});
  CHECK(dropped.key == kKey);
  CHECK(dropped.id == "r/t/1");
  CHECK(dropped.name == "t");
  CHECK(dropped.why == "disk full");

  const auto settled = round_trip(Settled{kKey, 3});
  CHECK(settled.key == kKey);
  CHECK(settled.carried == 3);

  CHECK(round_trip(ShutDown{kTime}).deadline == kTime);
  round_trip(RuntimeGone{});
  round_trip(Empty{});
  round_trip(Restored{});

  const auto inspect = round_trip(Inspect{kKey, 9});
  CHECK(inspect.key == kKey);
  CHECK(inspect.query == 9);
  const auto states = round_trip(TaskStates{9, false, {{"r/t/1", "t", "waiting", 2}}});
  CHECK(states.query == 9);
  CHECK_FALSE(states.last);
  REQUIRE(states.tasks.size() == 1);
  CHECK(states.tasks[0].id == "r/t/1");
  CHECK(states.tasks[0].name == "t");
  CHECK(states.tasks[0].state == "waiting");
  CHECK(states.tasks[0].attempt == 2);
}

TEST_CASE("closed carries the summary of the answer, with and without a late error") {
  Closed closed{kKey, kTime, {kTime, kTime + Millis(5), std::nullopt}};
  CHECK_FALSE(round_trip(closed).answer.late_error_type);
  closed.answer.late_error_type = "Function.Late";
  const auto decoded = round_trip(closed);
  CHECK(decoded.work_deadline == kTime);
  CHECK(decoded.answer.event_time == kTime);
  CHECK(decoded.answer.response_end == kTime + Millis(5));
  CHECK(decoded.answer.late_error_type == "Function.Late");
  CHECK_FALSE(decoded.answer.failed);
  CHECK_FALSE(decoded.answer.repeated);
  closed.answer.failed = true;
  CHECK(round_trip(closed).answer.failed);
  CHECK_FALSE(round_trip(closed).answer.repeated);
  closed.answer = {kTime, kTime};
  closed.answer.repeated = true;
  CHECK(round_trip(closed).answer.repeated);
  CHECK_FALSE(round_trip(closed).answer.failed);
}

TEST_CASE("what every invocation sends is read as it was written, and nothing else is") {
  const Closed closed{{"r1", 7}, kTime, {kTime, kTime, std::nullopt}};
  const std::string text = encode(closed);
  CHECK(std::get<Closed>(read_written(text).value()).key == closed.key);
  const Settled settled{{"r1", numbers_of_generation(2)}, 3, 1};
  const auto read = std::get<Settled>(read_written(encode(settled)).value());
  CHECK(read.key == settled.key);
  CHECK(read.carried == 3);
  CHECK(read.carried_handlers == 1);

  CHECK_FALSE(read_written(encode(Closed{kKey, kTime, {kTime, kTime, std::nullopt}})));
  CHECK_FALSE(read_written(encode(Closed{{"r1", 7}, kTime, {kTime, kTime, "Late"}})));
  CHECK_FALSE(read_written(encode(Idle{{"r1", 7}})));
  CHECK_FALSE(read_written(text + " "));
  for (std::size_t size = 0; size < text.size(); ++size) {
    CHECK_FALSE(read_written(std::string_view(text).substr(0, size)));
  }
}

TEST_CASE("a packet that is no message is an error that says what is wrong") {
  CHECK(decode("{").error().message.find("offset") != std::string::npos);
  CHECK(decode("{}").error().message.find("type") != std::string::npos);
  CHECK(decode(R"({"type":"hallo"})").error().message == "unknown message type \"hallo\"");
  CHECK(decode(R"({"type":"accepted","requestId":"r","sequence":1})")
            .error()
            .message.find("record") != std::string::npos);
  CHECK_FALSE(decode(R"({"type":"settled","requestId":"r","sequence":"one","carried":0})"));
  CHECK_FALSE(decode("[]"));
}

TEST_CASE("a hello of another protocol version is refused") {
  Hello other;
  other.protocol = kProtocolVersion + 1;
  const auto decoded = decode(encode(other));
  REQUIRE_FALSE(decoded);
  CHECK(decoded.error().message.find("protocol") != std::string::npos);
}
