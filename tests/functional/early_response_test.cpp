// The main job: an unchanged function on AWS's own runtime client answers at once, its task runs
// afterwards, inside the same invocation.
#include "tests/fakes/temp_dir.h"
#include "tests/functional/function_story.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>

using namespace postlude::testing;  // NOLINT(google-build-using-namespace)

namespace {

constexpr const char* kReport = R"([{"name": "report", "command": ["bin/report"]}])";

/// What contract.md 7 says of a receipt's frame; the times are compared by the caller.
void check_frame(const nlohmann::json& receipt, const std::string& request_id) {
  CHECK(receipt.at("postlude") == "receipt");
  CHECK(receipt.at("level") == "INFO");
  CHECK(receipt.at("requestId") == request_id);
  CHECK(receipt.at("message") == "deferred work: 1 done");
  CHECK(receipt.at("timestamp").get<std::string>().size() == 24);
  CHECK_FALSE(receipt.contains("lateErrorType"));
  CHECK_FALSE(receipt.contains("part"));
  CHECK(receipt.at("tasks").size() == 1);
}

std::string value_of(const std::string& environment, const std::string& name) {
  const std::string text = "\n" + environment;
  const std::size_t begin = text.find("\n" + name + "=");
  if (begin == std::string::npos) {
    return "(not set)";
  }
  const std::size_t value = begin + name.size() + 2;
  return text.substr(value, text.find('\n', value) - value);
}

}  // namespace

TEST_CASE("the caller is answered at once, the environment is kept until the task has ended") {
  const TempDir folder;
  LocalLambda lambda(
      node_function({.name = "report", .tasks = kReport, .env = {{"REPORT_DIR", folder.path()}}}));
  const InvokeResult first = lambda.invoke(R"({"name": "Ada", "seconds": 2})");
  const std::string id = first.request_id();
  CHECK(first.status() == 200);
  CHECK(first.function_error().empty());
  const auto answer = nlohmann::json::parse(first.body());
  CHECK(answer.at("headers").at("X-Answered-By") == "report");
  CHECK(answer.at("body").get<std::string>() == R"({"hello":"Ada","requestId":")" + id + R"("})");

  const LambdaEvent start = lambda.wait_for_event({.name = "invokeStart", .request_id = id});
  const LambdaEvent end = lambda.wait_for_event({.name = "invokeEnd", .request_id = id});
  const LambdaEvent frozen = lambda.wait_for_event({.name = "frozen", .request_id = id});
  CHECK(end.text("status") == "success");
  CHECK(end.ms() - first.answered_ms > 1800);
  CHECK(end.ms() - first.answered_ms < 4000);
  CHECK(end.number("postRuntimeExtensionsMs") > 1800);
  CHECK(frozen.ms() >= end.ms());
  CHECK(frozen.text("complete") == "true");
  CHECK(programs_in(frozen) == idle_programs());

  const auto line = receipt(lambda, id);
  check_frame(line, id);
  const auto& task = line.at("tasks").at(0);
  CHECK(task.at("id") == id + "/report/1");
  CHECK(task.at("name") == "report");
  CHECK(task.at("state") == "done");
  CHECK(task.at("attempts") == 1);
  CHECK(task.at("ms") >= 2000);
  CHECK(task.at("ms") < 4000);
  CHECK_FALSE(task.contains("why"));
  CHECK(line.at("responseMs") >= 0);
  CHECK(line.at("responseMs") <= first.answered_ms - start.ms() + 1);
  CHECK(line.at("heldMs") >= task.at("ms"));
  CHECK(line.at("responseMs").get<double>() + line.at("heldMs").get<double>() <=
        end.ms() - start.ms() + 1);

  const std::size_t began = line_of(lambda, "report of " + id + " begins");
  const std::size_t ended = line_of(lambda, "report of " + id + " ends");
  CHECK(line_of(lambda, "START RequestId: " + id) < began);
  CHECK(began < ended);
  CHECK(ended < line_of(lambda, R"("postlude":"receipt")"));
  CHECK(line_of(lambda, R"("postlude":"receipt")") < line_of(lambda, "END RequestId: " + id));
  CHECK(line_of(lambda, "END RequestId: " + id) < line_of(lambda, "REPORT RequestId: " + id));
}

TEST_CASE("a warm environment answers in less than 300 ms, each time with its own receipt") {
  const TempDir folder;
  LocalLambda lambda(
      node_function({.name = "report", .tasks = kReport, .env = {{"REPORT_DIR", folder.path()}}}));
  static_cast<void>(lambda.invoke(R"({"seconds": 0})"));
  static_cast<void>(lambda.wait_for_event({.name = "frozen"}));
  double fastest = 1e9;
  for (int call = 0; call < 3; ++call) {
    const InvokeResult result = lambda.invoke(R"({"name": "Grace", "seconds": 0.5})");
    const std::string id = result.request_id();
    const LambdaEvent end = lambda.wait_for_event({.name = "invokeEnd", .request_id = id});
    CHECK(result.body().find("Grace") != std::string::npos);
    CHECK(end.ms() - result.answered_ms > 400);
    check_frame(receipt(lambda, id), id);
    static_cast<void>(lambda.wait_for_event({.name = "frozen", .request_id = id}));
    fastest = std::min(fastest, result.took_ms());
  }
  // Of several, because the machine may be busy with something else at any one moment.
  CHECK(fastest < 300);
  CHECK(lambda.events({.name = "environmentStart"}).size() == 1);
  CHECK(lambda.events({.name = "initStart"}).size() == 1);
}

TEST_CASE("the task gets the whole document and the environment variables of the contract") {
  const TempDir folder;
  LocalLambda lambda(node_function({.name = "report",
                                    .tasks = kReport,
                                    .env = {{"REPORT_DIR", folder.path()}, {"OWN", "value"}},
                                    .options = {"--timeout", "20s"}}));
  const std::string event =
      R"({"name": "Ada \u00e9\n", "seconds": 0, "nested": {"list": [1, 2.50, null, true]}})";
  const InvokeResult result = lambda.invoke(event);
  const std::string id = result.request_id();
  const LambdaEvent start = lambda.wait_for_event({.name = "invokeStart", .request_id = id});
  static_cast<void>(receipt(lambda, id));
  const auto deadline = start.json().at("deadlineMs").get<long long>() - 500;

  const std::string text = folder.read(id + ".json");
  const auto document = nlohmann::json::parse(text);
  const auto answer = nlohmann::json::parse(result.body());
  nlohmann::json expected = {
      {"id", id + "/report/1"},
      {"task", "report"},
      {"attempt", 1},
      {"requestId", id},
      {"functionArn", "arn:aws:lambda:us-east-1:123456789012:function:function"},
      {"traceId", document.at("traceId")},
      {"tenantId", nullptr},
      {"deadlineMs", deadline},
      {"event", nlohmann::json::parse(event)},
      {"response",
       {{"statusCode", 200},
        {"headers", {{"content-type", "application/json"}, {"x-answered-by", "report"}}},
        {"cookies", nlohmann::json::array()},
        {"body", answer.at("body")},
        {"isBase64Encoded", false}}},
      {"error", nullptr},
      {"payload", nullptr},
      {"truncated", nullptr}};
  CHECK(document == expected);
  CHECK(document.at("traceId").get<std::string>().starts_with("Root=1-"));
  CHECK(text.find(event) != std::string::npos);  // the event's own bytes, 2.50 and \u00e9 too

  const std::string environment = folder.read(id + ".env");
  CHECK(value_of(environment, "POSTLUDE_TASK") == "report");
  CHECK(value_of(environment, "POSTLUDE_TASK_ID") == id + "/report/1");
  CHECK(value_of(environment, "POSTLUDE_ATTEMPT") == "1");
  CHECK(value_of(environment, "POSTLUDE_REQUEST_ID") == id);
  CHECK(value_of(environment, "POSTLUDE_DEADLINE_MS") == std::to_string(deadline));
  CHECK(value_of(environment, "_X_AMZN_TRACE_ID") == document.at("traceId"));
  CHECK(value_of(environment, "OWN") == "value");
  CHECK(value_of(environment, "AWS_LAMBDA_FUNCTION_NAME") == "function");
  CHECK(value_of(environment, "PWD") == sample_function("report"));
  const std::string api = lambda.runtime_api();
  CHECK(value_of(environment, "AWS_LAMBDA_RUNTIME_API") == api);
}

TEST_CASE("without tasks an invocation is not held and prints no line of Postlude's") {
  LocalLambda lambda(node_function({.name = "report"}));
  const InvokeResult result = lambda.invoke(R"({"name": "Ada"})");
  const LambdaEvent end =
      lambda.wait_for_event({.name = "invokeEnd", .request_id = result.request_id()});
  CHECK(result.body().find("Ada") != std::string::npos);
  CHECK(end.text("status") == "success");
  CHECK(receipts(lambda, result.request_id()).empty());
  CHECK(count_lines(lambda, R"("postlude")") == 0);
}

TEST_CASE("two environments work on their tasks at the same time, each with its own") {
  const TempDir folder;
  const Gate gate(folder.file("gate"));
  LocalLambda lambda(node_function(
      {.name = "report",
       .tasks = task_list(
           {shell_task("wait", R"(echo "waits in $POSTLUDE_REQUEST_ID"; read x <"$GATE")")}),
       .env = {{"GATE", gate.path()}}}));
  const InvokeResult first = lambda.invoke(R"({"name": "first"})");
  static_cast<void>(lambda.wait_for_log("waits in " + first.request_id()));
  const InvokeResult second = lambda.invoke(R"({"name": "second"})");
  static_cast<void>(lambda.wait_for_log("waits in " + second.request_id()));
  CHECK(lambda.events({.name = "environmentStart"}).size() == 2);
  CHECK(lambda.events({.name = "invokeEnd"}).empty());
  gate.let_one_pass();
  gate.let_one_pass();
  for (const InvokeResult* result : {&first, &second}) {
    const auto line = receipt(lambda, result->request_id());
    CHECK(line.at("tasks").size() == 1);
    CHECK(task_in(line, "wait").at("id") == result->request_id() + "/wait/1");
    CHECK(task_in(line, "wait").at("state") == "done");
  }
}
