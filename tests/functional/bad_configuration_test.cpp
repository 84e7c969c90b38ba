// A configuration with a mistake fails the init where everybody sees it: never half a service.
#include "common/child_process.h"
#include "common/environment.h"
#include "tests/fakes/temp_dir.h"
#include "tests/functional/function_story.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

using namespace postlude;           // NOLINT(google-build-using-namespace)
using namespace postlude::testing;  // NOLINT(google-build-using-namespace)

namespace {

using Variables = std::vector<std::pair<std::string, std::string>>;

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) {
    text += (text.empty() ? "" : "\n") + line;
  }
  return text;
}

/// The init failed as contract.md 3 says, with exactly these problems.
void check_refused(LocalLambda& lambda, const std::vector<std::string>& problems) {
  const InvokeResult result = lambda.invoke("{}");
  CHECK(result.status() == 200);
  CHECK(result.function_error() == "Unhandled");
  const auto body = nlohmann::json::parse(result.body());
  CHECK(body.at("errorType") == "Postlude.ConfigError");
  CHECK(body.at("errorMessage").get<std::string>() == joined(problems));
  CHECK(lambda.wait_for_event({.name = "initError"}).text("type") == "Runtime.PostludeConfigError");
  CHECK(lambda.events({.name = "extensionRegistered"}).empty());
  CHECK(lambda.events({.name = "runtimeNext"}).empty());
  static_cast<void>(lambda.wait_for_log("END RequestId: " + result.request_id()));
  for (const std::string& problem : problems) {
    std::size_t found = 0;
    for (const std::string& line : lambda.log()) {
      const auto parsed = nlohmann::json::parse(line, nullptr, false);
      if (parsed.is_object() && parsed.value("message", "") == problem) {
        ++found;
        CHECK(parsed.at("postlude") == "log");
        CHECK(parsed.at("level") == "ERROR");
      }
    }
    CHECK(found == 2);  // the init is tried twice
  }
}

void check_refused(const Variables& variables, const std::vector<std::string>& problems) {
  LocalLambda lambda(node_function({.name = "report", .env = variables}));
  check_refused(lambda, problems);
}

}  // namespace

TEST_CASE("mistakes in inline tasks are told with their position, all at once") {
  check_refused(Variables{{"POSTLUDE_TASKS", R"([{"name":"demo", "comand":["x"]}])"}},
                {R"(POSTLUDE_TASKS:1:18: unknown key "comand", did you mean "command"?)"});
  check_refused(
      Variables{{"POSTLUDE_TASKS", "[{\"name\":\"a\",\n \"command\":[\"x\"],}]"}},
      {"POSTLUDE_TASKS:2:18: not valid JSON: unexpected '}'; expected a key in double quotes"});
  check_refused(
      Variables{{"POSTLUDE_TASKS",
                 R"([{"name":"a","command":["x"],"timeout":"soon"},{"name":"a","command":[]}])"}},
      {R"(POSTLUDE_TASKS:1:40: "timeout" is "soon", expected a duration from 1ms to 15m such as "10s")",
       R"(POSTLUDE_TASKS:1:56: "name" is "a", which is taken by the task at 1:10)",
       R"(POSTLUDE_TASKS:1:70: "command" is empty, it must name a program)"});
  check_refused(Variables{{"POSTLUDE_TASKS",
                           R"([{"name":"a","http":{"url":"https://x","body":"${evnt.id}"}}])"}},
                {R"(POSTLUDE_TASKS:1:50: template: unknown source "evnt", did you mean "event"?)"});
}

TEST_CASE("mistakes in a task file are told with its path, and a file that is missing is named") {
  const TempDir folder;
  const std::string file =
      folder.write("tasks.json", "[\n  {\"name\": \"A\", \"command\": [\"x\"]}\n]\n");
  check_refused(
      Variables{{"POSTLUDE_TASKS", file}},
      {file +
       R"(:2:12: "name" is "A", expected 1 to 63 of a-z, 0-9 and -, beginning with a letter or digit)"});
  check_refused(
      Variables{{"POSTLUDE_TASKS", "no/such.json"}},
      {R"(POSTLUDE_TASKS: open ")" + sample_function("report") +
       R"(/no/such.json": No such file or directory (tasks themselves begin with [ or {))"});
}

TEST_CASE("every setting with a bad value is named, together with the tasks' mistakes") {
  check_refused(
      Variables{{"POSTLUDE_TASKS", "[{}]"},
                {"POSTLUDE_CONCURRENCY", "0"},
                {"POSTLUDE_DEADLINE_MARGIN", "soon"},
                {"POSTLUDE_HOLD_LIMIT", "1h"},
                {"POSTLUDE_DEAD_LETTER", "queue"},
                {"POSTLUDE_SPOOL_DIR", "spool"},
                {"POSTLUDE_SPOOL_LIMIT", "much"},
                {"POSTLUDE_RESPONSE_MODE", "buffered"},
                {"POSTLUDE_EXEC_WRAPPER", ""},
                {"POSTLUDE_LOG_LEVEL", "loud"},
                {"POSTLUDE_METRICS", "on"}},
      {R"(POSTLUDE_TASKS:1:2: the key "name" is missing)",
       R"(POSTLUDE_TASKS:1:2: the action is missing, a task needs one of "command", "http", "send", "aws", "handler")",
       R"(POSTLUDE_CONCURRENCY: "0" is not a whole number from 1 to 64)",
       R"(POSTLUDE_DEADLINE_MARGIN: "soon" is not a duration from 1ms to 15m such as 500ms)",
       R"(POSTLUDE_HOLD_LIMIT: "1h" is not a duration from 1ms to 15m such as 500ms)",
       R"(POSTLUDE_DEAD_LETTER: "queue": not an ARN; possible are an SQS queue, an SNS topic, an EventBridge bus, a Lambda function, a Step Functions state machine, a Kinesis stream, a Firehose stream, or an S3 prefix (arn:aws:s3:::bucket/prefix/))",
       R"(POSTLUDE_SPOOL_DIR: "spool" is not an absolute path)",
       R"(POSTLUDE_SPOOL_LIMIT: "much" is not a size such as 64MiB)",
       R"(POSTLUDE_RESPONSE_MODE: "buffered" is not passthrough or stream)",
       R"(POSTLUDE_EXEC_WRAPPER: "" is not a program)",
       R"(POSTLUDE_LOG_LEVEL: "loud" is not one of TRACE, DEBUG, INFO, WARN, ERROR, FATAL)",
       R"(POSTLUDE_METRICS: "on" is not off or emf)"});
}

TEST_CASE("the shim posts the mistakes and exits 1, without starting the function") {
  LocalLambda lambda({.options = {"--eager-init"}});
  ChildSpec spec;
  spec.program = built_layer() + "/postlude";
  spec.argv = {spec.program, "sh", "-c", "exit 0"};
  spec.environment = Environment::of_process();
  spec.environment.set("AWS_LAMBDA_RUNTIME_API", lambda.runtime_api());
  spec.environment.set("POSTLUDE_CONCURRENCY", "many");
  const auto shim = start_child(spec);
  REQUIRE(shim.has_value());
  const ExitStatus end = wait_for(*shim);
  CHECK(describe(end) == "exit status 1");
  CHECK(lambda.wait_for_event({.name = "initError"}).text("type") == "Runtime.PostludeConfigError");
}

TEST_CASE("a Function URL caller of a bad configuration gets the platform's 502") {
  LocalLambda lambda(
      node_function({.name = "report", .tasks = "[{}]", .options = {"--url-mode", "stream"}}));
  CHECK(lambda.url("GET", "/").status() == 502);
}

TEST_CASE("once the mistake is mended the function serves, with its tasks") {
  const TempDir folder;
  std::filesystem::copy(
      sample_function("report"), folder.file("function"), std::filesystem::copy_options::recursive);
  static_cast<void>(
      folder.write("function/postlude.json", R"([{"name": "said", "comand": ["x"]}])"));
  LambdaSetup setup = node_function({.name = "report"});
  setup.function_dir = folder.file("function");
  LocalLambda lambda(setup);
  const std::string file = folder.file("function/postlude.json");
  check_refused(lambda, {file + R"(:1:19: unknown key "comand", did you mean "command"?)"});
  static_cast<void>(folder.write("function/postlude.json",
                                 R"([{"name": "said", "command": ["echo", "mended"]}])"));
  const InvokeResult result = lambda.invoke(R"({"name": "Ada"})");
  CHECK(result.function_error().empty());
  CHECK(task_in(receipt(lambda, result.request_id()), "said").at("state") == "done");
  CHECK(count_lines(lambda, "mended") == 1);
}

TEST_CASE("a misspelt setting is worth a warning, not a failure") {
  LocalLambda lambda(node_function({.name = "report", .env = {{"POSTLUDE_CONCURENCY", "1"}}}));
  CHECK(lambda.invoke("{}").function_error().empty());
  const auto line = nlohmann::json::parse(lambda.wait_for_log("POSTLUDE_CONCURENCY"));
  CHECK(line.at("level") == "WARN");
  CHECK(line.at("message") ==
        R"("POSTLUDE_CONCURENCY" is not a setting, did you mean POSTLUDE_CONCURRENCY?)");
}
