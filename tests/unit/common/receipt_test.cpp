#include "common/receipt.h"

#include "common/json_text.h"
#include "common/log.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace postlude {
using namespace std::chrono_literals;

namespace {

constexpr EpochTime kAt = EpochTime(1775516157000ms);

ReceiptTask task(TaskState state) {
  return {"r1/a/1", "a", state, 1, 12ms, std::nullopt};
}

nlohmann::json only_line(const Receipt& receipt) {
  const auto lines = receipt_lines(receipt, kAt);
  REQUIRE(lines.size() == 1);
  auto parsed = parse_json(lines[0]);
  REQUIRE(parsed);
  return *parsed;
}

}  // namespace

TEST_CASE("a receipt names the invocation, its times and the end of each task") {
  Receipt receipt;
  receipt.request_id = "r1";
  receipt.response_time = 20ms;
  receipt.held_time = 330ms;
  receipt.tasks = {task(TaskState::done)};
  CHECK(receipt_lines(receipt, kAt)[0] ==
        R"({"postlude":"receipt","timestamp":"2026-04-06T22:55:57.000Z","level":"INFO",)"
        R"("message":"deferred work: 1 done","requestId":"r1","responseMs":20,"heldMs":330,)"
        R"("tasks":[{"id":"r1/a/1","name":"a","state":"done","attempts":1,"ms":12}]})");
}

TEST_CASE("keys without a value are left out") {
  const auto line = only_line({.request_id = "r1",
                               .response_time = {},
                               .held_time = {},
                               .tasks = {},
                               .late_error_type = {},
                               .handler_request_ids = {}});
  for (const char* key :
       {"responseMs", "heldMs", "lateErrorType", "handlerRequestIds", "part", "parts"}) {
    CAPTURE(key);
    CHECK_FALSE(line.contains(key));
  }
  CHECK(line.at("tasks").empty());
}

TEST_CASE("why, a late error and the handler's request ids are there where they are known") {
  Receipt receipt;
  receipt.tasks = {task(TaskState::failed)};
  receipt.tasks[0].why = "exit status 3";
  receipt.late_error_type = "Function.Late";
  receipt.handler_request_ids = {"h1", "h2"};
  const auto line = only_line(receipt);
  CHECK(line.at("tasks")[0].at("why") == "exit status 3");
  CHECK(line.at("lateErrorType") == "Function.Late");
  CHECK(line.at("handlerRequestIds") == nlohmann::json{"h1", "h2"});
}

TEST_CASE("the level is WARN if any task failed, expired, was spilled or dropped") {
  const std::vector<std::pair<TaskState, std::string>> levels = {{TaskState::done, "INFO"},
                                                                 {TaskState::carried, "INFO"},
                                                                 {TaskState::failed, "WARN"},
                                                                 {TaskState::expired, "WARN"},
                                                                 {TaskState::spilled, "WARN"},
                                                                 {TaskState::dropped, "WARN"}};
  for (const auto& entry : levels) {
    const TaskState state = entry.first;
    CAPTURE(state_name(state));
    Receipt receipt;
    receipt.tasks = {task(TaskState::done), task(state), task(TaskState::done)};
    const auto line = only_line(receipt);
    CHECK(line.at("level") == entry.second);
    CHECK(line.at("tasks")[1].at("state") == state_name(state));
  }
}

TEST_CASE("a receipt of many tasks is split into parts that each fit into one atomic write") {
  Receipt receipt;
  receipt.request_id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";
  receipt.response_time = 20ms;
  constexpr int kTasks = 1000;
  for (int number = 0; number < kTasks; ++number) {
    receipt.tasks.push_back(task(number == 999 ? TaskState::failed : TaskState::done));
    receipt.tasks.back().id = fmt::format("{}/a/{}", receipt.request_id, number);
    receipt.handler_request_ids.push_back(fmt::format("{}-{}", receipt.request_id, number));
  }
  const auto lines = receipt_lines(receipt, kAt);
  int tasks = 0;
  int handlers = 0;
  for (std::size_t part = 0; part < lines.size(); ++part) {
    CHECK(lines[part].size() < kMaxLogLineBytes);
    const auto line = parse_json(lines[part]);
    REQUIRE(line);
    CHECK(line->at("part") == part + 1);
    CHECK(line->at("parts") == lines.size());
    CHECK(line->at("requestId") == receipt.request_id);
    CHECK(line->at("level") == "WARN");
    for (const auto& entry : line->at("tasks")) {
      CHECK(entry.at("id") == receipt.tasks[static_cast<std::size_t>(tasks++)].id);
    }
    handlers += static_cast<int>(line->value("handlerRequestIds", nlohmann::json()).size());
  }
  CHECK(tasks == kTasks);
  CHECK(handlers == kTasks);
}

TEST_CASE("long and malformed texts from outside never make a line too long or invalid") {
  Receipt receipt;
  receipt.request_id = "r1";
  receipt.late_error_type = std::string(5000, '\x01');
  receipt.tasks = {task(TaskState::failed), task(TaskState::failed)};
  receipt.tasks[0].why = std::string(5000, '\x02');
  receipt.tasks[1].why = std::string(5000, '\xff');
  const auto lines = receipt_lines(receipt, kAt);
  for (const std::string& line : lines) {
    CHECK(line.size() < kMaxLogLineBytes);
    CHECK(parse_json(line));
    CHECK(line.find('\n') == std::string::npos);
  }
}

}  // namespace postlude
