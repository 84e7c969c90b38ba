#include "extension/task_document.h"

#include "common/json_text.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace postlude::extension {
using Json = nlohmann::json;

namespace {

TaskRecord record() {
  TaskRecord result;
  result.id = "r1/report/2";
  result.key = {"r1", 7};
  result.function_arn = "arn:aws:lambda:eu-west-1:1:function:f";
  result.trace_id = "Root=1-2";
  result.tenant_id = "ten\"ant";
  result.task.name = "report";
  return result;
}

Json document_of(const TaskRecord& record, std::string_view event) {
  const TaskDocument document = task_document({.record = record,
                                               .attempt = 3,
                                               .work_deadline = from_epoch_ms(1234),
                                               .response = "[1]",
                                               .error = "null"});
  const auto parsed = parse_json(document.before_event + std::string(event) + document.after_event);
  REQUIRE(parsed);
  return *parsed;
}

}  // namespace

TEST_CASE("the document holds every key of the contract, whole with the event between its parts") {
  CHECK(document_of(record(), R"({"k": 1})") ==
        Json{{"id", "r1/report/2"},
             {"task", "report"},
             {"attempt", 3},
             {"requestId", "r1"},
             {"functionArn", "arn:aws:lambda:eu-west-1:1:function:f"},
             {"traceId", "Root=1-2"},
             {"tenantId", "ten\"ant"},
             {"deadlineMs", 1234},
             {"event", {{"k", 1}}},
             {"response", {1}},
             {"error", nullptr},
             {"payload", nullptr},
             {"truncated", nullptr}});
}

TEST_CASE("what is absent is null") {
  TaskRecord bare = record();
  bare.tenant_id.reset();
  bare.trace_id.clear();
  bare.function_arn.clear();
  const Json document = document_of(bare, "null");
  CHECK(document.size() == 13);
  for (const char* key : {"tenantId", "traceId", "functionArn", "event", "payload"}) {
    CAPTURE(key);
    CHECK(document.at(key).is_null());
  }
}

TEST_CASE("a cut response is named") {
  TaskRecord cut = record();
  cut.bodies.response_truncated = true;
  CHECK(document_of(cut, "1").at("truncated") == Json{"response.body"});
}

TEST_CASE("the document ends with a line feed, for programs that read lines") {
  const TaskRecord some = record();
  CHECK(
      task_document(
          {.record = some, .attempt = 1, .work_deadline = {}, .response = "null", .error = "null"})
          .after_event.ends_with("}\n"));
}

}  // namespace postlude::extension
