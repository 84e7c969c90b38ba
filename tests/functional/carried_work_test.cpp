// Work that does not fit into an invocation: cut before the deadline, carried to the next one.
#include "tests/fakes/temp_dir.h"
#include "tests/functional/function_story.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <string>

using namespace postlude::testing;  // NOLINT(google-build-using-namespace)

namespace {

/// Never ends the first time, whatever it is sent; keeps its document the second time.
constexpr const char* kSecondTime =
    R"(trap '' TERM; if mkdir "$REPORT_DIR/flag.$POSTLUDE_REQUEST_ID" 2>/dev/null; then )"
    R"(echo "first run of $POSTLUDE_TASK_ID"; while :; do sleep 1000; done; fi; )"
    R"(cat >"$REPORT_DIR/document.json"; echo "second run of $POSTLUDE_TASK_ID")";

const nlohmann::json& entry(const nlohmann::json& receipt, const std::string& id) {
  const auto& tasks = receipt.at("tasks");
  const auto found = std::find_if(
      tasks.begin(), tasks.end(), [&id](const auto& task) { return task.at("id") == id; });
  REQUIRE(found != tasks.end());
  return *found;
}

void check_ended_before_deadline(LocalLambda& lambda, const std::string& id) {
  const LambdaEvent start = lambda.wait_for_event({.name = "invokeStart", .request_id = id});
  const LambdaEvent end = lambda.wait_for_event({.name = "invokeEnd", .request_id = id});
  CHECK(end.text("status") == "success");
  CHECK(end.ms() < start.number("deadlineMs"));
}

/// A margin is a part of the time that was left when the event came, a moment after it was offered.
bool near(double left, double right) {
  constexpr double kMomentMs = 20;
  return std::abs(left - right) < kMomentMs;
}

}  // namespace

TEST_CASE("work cut before the deadline is carried and runs first after the next answer") {
  const TempDir folder;
  LocalLambda lambda(node_function(
      {.name = "report",
       .tasks = task_list({shell_task("long", kSecondTime),
                           shell_task("short", R"(echo "short of $POSTLUDE_REQUEST_ID")")}),
       .env = {{"REPORT_DIR", folder.path()}, {"POSTLUDE_CONCURRENCY", "1"}},
       .options = {"--timeout", "2s"}}));
  const InvokeResult first = lambda.invoke(R"({"name": "first"})");
  const std::string id = first.request_id();
  const std::string long_id = id + "/long/1";
  const std::string short_id = id + "/short/1";
  const LambdaEvent frozen = lambda.wait_for_event({.name = "frozen", .request_id = id});
  CHECK(programs_in(frozen) == idle_programs());
  check_ended_before_deadline(lambda, id);
  const auto line = receipt(lambda, id);
  CHECK(line.at("level") == "INFO");
  CHECK(line.at("message") == "deferred work: 2 carried");
  CHECK(entry(line, long_id).at("state") == "carried");
  CHECK(entry(line, long_id).at("attempts") == 0);
  CHECK(entry(line, long_id).at("why") == "cut by the deadline");
  CHECK(entry(line, short_id).at("state") == "carried");

  const InvokeResult second = lambda.invoke(R"({"name": "second"})");
  CHECK(second.body().find("second") != std::string::npos);
  const std::string second_id = second.request_id();
  static_cast<void>(lambda.wait_for_log("first run of " + second_id + "/long/1"));
  const auto then = receipt(lambda, second_id);
  CHECK(entry(then, long_id).at("state") == "done");
  CHECK(entry(then, long_id).at("attempts") == 1);
  CHECK(entry(then, short_id).at("state") == "done");
  CHECK(entry(then, second_id + "/long/1").at("state") == "carried");
  check_ended_before_deadline(lambda, second_id);
  // Strictly in order of acceptance, the carried ones first.
  CHECK(line_of(lambda, "second run of " + long_id) < line_of(lambda, "short of " + id));
  CHECK(line_of(lambda, "short of " + id) < line_of(lambda, "first run of " + second_id));

  // The document is that of the first invocation, its deadline that of the second.
  const auto document = nlohmann::json::parse(folder.read("document.json"));
  const LambdaEvent start = lambda.wait_for_event({.name = "invokeStart", .request_id = second_id});
  CHECK(document.at("id") == long_id);
  CHECK(document.at("attempt") == 1);
  CHECK(document.at("requestId") == id);
  CHECK(document.at("event") == nlohmann::json::parse(R"({"name": "first"})"));
  CHECK(document.at("response").at("body").get<std::string>().find("first") != std::string::npos);
  CHECK(near(document.at("deadlineMs").get<double>(), start.number("deadlineMs") - 400));
}

TEST_CASE("carried work also runs after an invocation that has no task of its own") {
  const TempDir folder;
  LocalLambda lambda(
      node_function({.name = "failing",
                     .tasks = task_list({shell_task("long", kSecondTime, R"(,"when":"failure")")}),
                     .env = {{"REPORT_DIR", folder.path()}},
                     .options = {"--timeout", "1s"}}));
  const InvokeResult first = lambda.invoke(R"({"how": "throw"})");
  const std::string id = first.request_id();
  CHECK(entry(receipt(lambda, id), id + "/long/1").at("state") == "carried");
  static_cast<void>(lambda.wait_for_event({.name = "frozen", .request_id = id}));
  const InvokeResult second = lambda.invoke(R"({"how": "answer"})");
  CHECK(second.body() == R"({"answered":"answer"})");
  CHECK(entry(receipt(lambda, second.request_id()), id + "/long/1").at("state") == "done");
  static_cast<void>(lambda.wait_for_event({.name = "frozen", .request_id = second.request_id()}));
  const InvokeResult third = lambda.invoke(R"({"how": "answer"})");
  CHECK(receipts(lambda, third.request_id()).empty());
}

TEST_CASE("a task that the deadline cuts again and again expires after three times") {
  LocalLambda lambda(node_function(
      {.name = "failing",
       .tasks = task_list({shell_task("endless", "sleep 1000", R"(,"when":"failure")")}),
       .options = {"--timeout", "1s"}}));
  const InvokeResult first = lambda.invoke(R"({"how": "throw"})");
  const std::string task = first.request_id() + "/endless/1";
  std::string id = first.request_id();
  for (int cut = 1; cut <= 3; ++cut) {
    const auto line = receipt(lambda, id);
    CHECK(entry(line, task).at("state") == "carried");
    check_ended_before_deadline(lambda, id);
    static_cast<void>(lambda.wait_for_event({.name = "frozen", .request_id = id}));
    id = lambda.invoke(R"({"how": "answer"})").request_id();
  }
  const auto last = receipt(lambda, id);
  CHECK(last.at("level") == "WARN");
  CHECK(entry(last, task).at("state") == "expired");
  CHECK(entry(last, task).at("attempts") == 0);
}

TEST_CASE("POSTLUDE_DEADLINE_MARGIN says when deferred work stops, a fifth of the time at most") {
  const struct {
    const char* margin;
    double expected_ms;
  } cases[] = {{"100ms", 100}, {"5s", 400}};
  for (const auto& one : cases) {
    CAPTURE(one.margin);
    const TempDir folder;
    LocalLambda lambda(node_function(
        {.name = "report",
         .tasks = task_list(
             {shell_task("long", R"(echo "until $POSTLUDE_DEADLINE_MS"; exec sleep 1000)")}),
         .env = {{"POSTLUDE_DEADLINE_MARGIN", one.margin}},
         .options = {"--timeout", "2s"}}));
    const InvokeResult result = lambda.invoke("{}");
    const std::string id = result.request_id();
    CHECK(task_in(receipt(lambda, id), "long").at("state") == "carried");
    const LambdaEvent start = lambda.wait_for_event({.name = "invokeStart", .request_id = id});
    const LambdaEvent end = lambda.wait_for_event({.name = "invokeEnd", .request_id = id});
    const double stop = start.number("deadlineMs") - one.expected_ms;
    const std::string line = lambda.wait_for_log("until ");
    CHECK(near(std::stod(line.substr(line.find(' '))), stop));
    CHECK(end.ms() >= stop - 1);
    CHECK(end.ms() < start.number("deadlineMs"));
  }
}
