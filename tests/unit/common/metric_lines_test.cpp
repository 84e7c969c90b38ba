#include "common/metric_lines.h"

#include "common/json_text.h"
#include "common/log.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace postlude {
using namespace std::chrono_literals;

namespace {

constexpr EpochTime kAt = EpochTime(1775516157000ms);

Receipt answered() {
  Receipt receipt;
  receipt.request_id = "r1";
  receipt.response_time = 20ms;
  receipt.held_time = 330ms;
  return receipt;
}

ReceiptTask task(const char* name, TaskState state, std::optional<Millis> time = std::nullopt) {
  return {"r1/a/1", name, state, 1, time, std::nullopt};
}

std::vector<nlohmann::json> parsed(const Receipt& receipt) {
  std::vector<nlohmann::json> lines;
  for (const std::string& line : metric_lines(receipt, "orders", kAt)) {
    CHECK(line.size() < kMaxLogLineBytes);
    auto object = parse_json(line);
    REQUIRE(object);
    lines.push_back(std::move(*object));
  }
  return lines;
}

}  // namespace

TEST_CASE("an answer without tasks is one line by function") {
  CHECK(
      metric_lines(answered(), "orders", kAt) ==
      std::vector<std::string>{
          R"({"_aws":{"Timestamp":1775516157000,"CloudWatchMetrics":[{"Namespace":"Postlude",)"
          R"("Dimensions":[["FunctionName"]],"Metrics":[{"Name":"ResponseTime","Unit":"Milliseconds"},)"
          R"({"Name":"HeldTime","Unit":"Milliseconds"},{"Name":"ResponseErrors","Unit":"Count"},)"
          R"({"Name":"LateErrors","Unit":"Count"}]}]},"postlude":"log","FunctionName":"orders","requestId":"r1",)"
          R"("ResponseTime":20,"HeldTime":330,"ResponseErrors":0,"LateErrors":0})"});
}

TEST_CASE("a request id that is none makes no line too long") {
  Receipt receipt = answered();
  receipt.request_id = std::string(kMaxLogLineBytes, '\x01');
  CHECK(parsed(receipt).at(0).at("requestId") == std::string(128, '\x01'));
}

TEST_CASE("errors of the answer and behind it count") {
  Receipt receipt = answered();
  receipt.response_failed = true;
  CHECK(parsed(receipt).at(0).at("ResponseErrors") == 1);
  receipt.response_failed = false;
  receipt.late_error_type = "Function.Late";
  CHECK(parsed(receipt).at(0).at("ResponseErrors") == 0);
  CHECK(parsed(receipt).at(0).at("LateErrors") == 1);
}

TEST_CASE("tasks count by their state, and as accepted where no receipt named them before") {
  Receipt receipt = answered();
  receipt.tasks = {task("a", TaskState::done),
                   task("a", TaskState::done),
                   task("b", TaskState::failed),
                   task("c", TaskState::spilled),
                   task("d", TaskState::expired),
                   task("e", TaskState::dropped),
                   task("f", TaskState::carried)};
  receipt.tasks[0].first = false;
  const auto line = parsed(receipt).at(0);
  CHECK(line.at("TasksAccepted") == 6);
  CHECK(line.at("TasksDone") == 2);
  for (const char* name :
       {"TasksFailed", "TasksSpilled", "TasksExpired", "TasksDropped", "TasksCarried"}) {
    CAPTURE(name);
    CHECK(line.at(name) == 1);
  }
}

TEST_CASE("what ran here has its times by name, in a line of its own") {
  Receipt receipt = answered();
  receipt.tasks = {task("mail", TaskState::done, 12ms),
                   task("audit", TaskState::failed, 3ms),
                   task("mail", TaskState::carried, 40ms),
                   task("quick", TaskState::done, 0ms),
                   task("told", TaskState::done),
                   task("late", TaskState::expired)};
  const auto lines = metric_lines(receipt, "orders", kAt);
  REQUIRE(lines.size() == 4);
  CHECK(
      lines[2] ==
      R"({"_aws":{"Timestamp":1775516157000,"CloudWatchMetrics":[{"Namespace":"Postlude",)"
      R"("Dimensions":[["FunctionName","TaskName"]],)"
      R"("Metrics":[{"Name":"TaskDuration","Unit":"Milliseconds"}]}]},)"
      R"("postlude":"log","FunctionName":"orders","TaskName":"mail","requestId":"r1","TaskDuration":[12,40]})");
  CHECK(parsed(receipt)[1].at("TaskDuration") == 3);
  CHECK(parsed(receipt)[3].at("TaskName") == "quick");
  CHECK(parsed(receipt)[3].at("TaskDuration") == 0);
}

TEST_CASE("a line has at most a hundred times") {
  Receipt receipt = answered();
  constexpr Millis kLong = 900'000ms;
  receipt.tasks.assign(250, task("mail", TaskState::done, kLong));
  const auto lines = parsed(receipt);
  REQUIRE(lines.size() == 4);
  CHECK(lines[1].at("TaskDuration").size() == 100);
  CHECK(lines[2].at("TaskDuration").size() == 100);
  CHECK(lines[3].at("TaskDuration").size() == 50);
}

TEST_CASE("an answer is told of once: later receipts of it have their tasks alone") {
  Receipt receipt = answered();
  receipt.response_repeated = true;
  CHECK(metric_lines(receipt, "orders", kAt).empty());
  receipt.tasks = {task("late", TaskState::done, 1ms)};
  const auto line = parsed(receipt).at(0);
  CHECK(line.at("TasksDone") == 1);
  CHECK_FALSE(line.contains("ResponseTime"));
  CHECK_FALSE(line.contains("LateErrors"));
}

TEST_CASE("what was left of an earlier process has no answer to tell of") {
  Receipt receipt;
  receipt.request_id = "r1";
  CHECK(metric_lines(receipt, "orders", kAt).empty());
  receipt.tasks = {task("a", TaskState::expired)};
  const auto lines = parsed(receipt);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].at("TasksExpired") == 1);
  CHECK(lines[0].at("_aws").at("CloudWatchMetrics").at(0).at("Metrics").size() == 7);
}

}  // namespace postlude
