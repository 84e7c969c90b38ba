#include "runtime/config.h"

#include "runtime/settings.h"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace postlude::runtime {
namespace {

using Variables = std::vector<std::pair<std::string, std::string>>;

Environment lambda_with(const Variables& variables) {
  Environment environment({{"AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001"},
                           {"LAMBDA_TASK_ROOT", "/nonexistent/task"},
                           {"_HANDLER", "index.handler"},
                           {"AWS_LAMBDA_FUNCTION_NAME", "orders"},
                           {"AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/02/[1]ab"}});
  for (const auto& [name, value] : variables) {
    environment.set(name, value);
  }
  return environment;
}

Config config_of(const Variables& variables) {
  auto config = load_config(lambda_with(variables));
  const std::string problem = config ? std::string() : config.error().front();
  REQUIRE(problem == "");
  return std::move(*config);
}

/// All lines, or "valid".
std::string problems_of(const Variables& variables) {
  const auto config = load_config(lambda_with(variables));
  if (config) {
    return "valid";
  }
  std::string lines;
  for (const std::string& problem : config.error()) {
    lines += (lines.empty() ? "" : "\n") + problem;
  }
  return lines;
}

TEST_CASE("without settings everything has the default of the contract") {
  const Config config = config_of({});
  CHECK(config.runtime_api == "127.0.0.1:9001");
  CHECK(config.task_root == "/nonexistent/task");
  CHECK(config.handler == "index.handler");
  CHECK(config.function_name == "orders");
  CHECK(config.log_stream_name == "2026/01/02/[1]ab");
  CHECK(config.tasks.empty());
  CHECK(config.concurrency == 4);
  CHECK(config.deadline_margin == Millis(500));
  CHECK(config.spool_dir == "/tmp/postlude");
  CHECK_FALSE(config.exec_wrapper);
  CHECK(config.log_level == LogLevel::info);
  CHECK_FALSE(config.metrics);
  CHECK(config.warnings.empty());
}

TEST_CASE("every setting of this version is read") {
  const Config config = config_of({{"POSTLUDE_TASKS", R"([{"name":"a","command":["x"]}])"},
                                   {"POSTLUDE_CONCURRENCY", "64"},
                                   {"POSTLUDE_DEADLINE_MARGIN", "2s"},
                                   {"POSTLUDE_SPOOL_DIR", "/tmp/x"},
                                   {"POSTLUDE_EXEC_WRAPPER", "/opt/other"},
                                   {"POSTLUDE_LOG_LEVEL", "debug"}});
  REQUIRE(config.tasks.size() == 1);
  CHECK(config.tasks.front().name == "a");
  CHECK(config.concurrency == 64);
  CHECK(config.deadline_margin == std::chrono::seconds(2));
  CHECK(config.spool_dir == "/tmp/x");
  CHECK(config.exec_wrapper == "/opt/other");
  CHECK(config.log_level == LogLevel::debug);
}

TEST_CASE("there is no hold limit and no dead letter unless they are set") {
  CHECK_FALSE(config_of({}).hold_limit);
  CHECK_FALSE(config_of({}).dead_letter);
  CHECK(config_of({{"POSTLUDE_HOLD_LIMIT", "10s"}}).hold_limit == std::chrono::seconds(10));
}

TEST_CASE("the dead letter of the environment is that of every task without its own") {
  const Config config = config_of(
      {{"POSTLUDE_DEAD_LETTER", "arn:aws:s3:::bucket/p/"},
       {"POSTLUDE_TASKS",
        R"([{"name":"a","command":["x"]},{"name":"b","command":["x"],"deadLetter":"arn:aws:s3:::c/"}])"}});
  CHECK(config.dead_letter == "arn:aws:s3:::bucket/p/");
  REQUIRE(config.tasks.size() == 2);
  CHECK(config.tasks[0].dead_letter == "arn:aws:s3:::bucket/p/");
  CHECK(config.tasks[1].dead_letter == "arn:aws:s3:::c/");
}

TEST_CASE("a bad value is a problem that names the variable, the value and what is expected") {
  struct Case {
    std::string name;
    std::string value;
    std::string problem;
  };
  const std::vector<Case> cases{
      {"POSTLUDE_CONCURRENCY", "1", ""},
      {"POSTLUDE_CONCURRENCY", "x", R"("x" is not a whole number from 1 to 64)"},
      {"POSTLUDE_CONCURRENCY", "", R"("" is not a whole number from 1 to 64)"},
      {"POSTLUDE_CONCURRENCY", "0", R"("0" is not a whole number from 1 to 64)"},
      {"POSTLUDE_CONCURRENCY", "65", R"("65" is not a whole number from 1 to 64)"},
      {"POSTLUDE_CONCURRENCY", "-1", R"("-1" is not a whole number from 1 to 64)"},
      {"POSTLUDE_CONCURRENCY", "4 ", R"("4 " is not a whole number from 1 to 64)"},
      {"POSTLUDE_CONCURRENCY",
       "99999999999999999999",
       R"("99999999999999999999" is not a whole number from 1 to 64)"},
      {"POSTLUDE_DEADLINE_MARGIN", "15m", ""},
      {"POSTLUDE_DEADLINE_MARGIN", "5", R"("5" is not a duration from 1ms to 15m such as 500ms)"},
      {"POSTLUDE_DEADLINE_MARGIN",
       "0ms",
       R"("0ms" is not a duration from 1ms to 15m such as 500ms)"},
      {"POSTLUDE_HOLD_LIMIT", "10s", ""},
      {"POSTLUDE_HOLD_LIMIT", "10", R"("10" is not a duration from 1ms to 15m such as 500ms)"},
      {"POSTLUDE_DEAD_LETTER", "arn:aws:sqs:eu-west-1:123456789012:q", ""},
      {"POSTLUDE_DEAD_LETTER", "arn:aws:s3:::bucket/p/", ""},
      {"POSTLUDE_DEAD_LETTER",
       "arn:aws:s3:::bucket",
       R"("arn:aws:s3:::bucket": an S3 target is a prefix: arn:aws:s3:::bucket/prefix/)"},
      {"POSTLUDE_SPOOL_DIR", "spool", R"("spool" is not an absolute path)"},
      {"POSTLUDE_SPOOL_DIR", "", R"("" is not an absolute path)"},
      {"POSTLUDE_EXEC_WRAPPER", "", R"("" is not a program)"},
      {"POSTLUDE_LOG_LEVEL",
       "verbose",
       R"("verbose" is not one of TRACE, DEBUG, INFO, WARN, ERROR, FATAL)"},
      {"POSTLUDE_RESPONSE_MODE", "passthrough", ""},
      {"POSTLUDE_RESPONSE_MODE", "stream", ""},
      {"POSTLUDE_RESPONSE_MODE", "", R"("" is not passthrough or stream)"},
      {"POSTLUDE_RESPONSE_MODE", "buffered", R"("buffered" is not passthrough or stream)"},
      {"POSTLUDE_RESPONSE_MODE",
       "Stream",
       R"("Stream" is not passthrough or stream, did you mean "stream"?)"},
      {"POSTLUDE_DISABLED", "", ""},
      {"POSTLUDE_DISABLED", "0", ""},
      {"POSTLUDE_DISABLED", "1", ""},
      {"POSTLUDE_DISABLED", "true", R"("true" is not 1 (unset it to enable Postlude))"},
  };
  for (const Case& entry : cases) {
    CAPTURE(entry.name);
    CAPTURE(entry.value);
    CHECK(problems_of({{entry.name, entry.value}}) ==
          (entry.problem.empty() ? "valid" : entry.name + ": " + entry.problem));
  }
}

TEST_CASE("settings of later versions are checked for form and then refused, never ignored") {
  struct Case {
    std::string name;
    std::string value;
    std::string problem;
  };
  const std::vector<Case> cases{
      {"POSTLUDE_SPOOL_LIMIT", "64MiB", ""},
      {"POSTLUDE_SPOOL_LIMIT", "65536KiB", ""},
      {"POSTLUDE_SPOOL_LIMIT", "1KiB", ""},
      {"POSTLUDE_SPOOL_LIMIT", "64MB", R"("64MB" is not a size such as 64MiB)"},
      {"POSTLUDE_METRICS", "off", ""},
      {"POSTLUDE_METRICS", "emf", ""},
      {"POSTLUDE_METRICS", "on", R"("on" is not off or emf)"},
  };
  for (const Case& entry : cases) {
    CAPTURE(entry.name);
    CAPTURE(entry.value);
    CHECK(problems_of({{entry.name, entry.value}}) ==
          (entry.problem.empty() ? "valid" : entry.name + ": " + entry.problem));
  }
}

TEST_CASE("log levels are Lambda's own, in any case") {
  const std::vector<std::pair<std::string, LogLevel>> levels{{"TRACE", LogLevel::debug},
                                                             {"debug", LogLevel::debug},
                                                             {"Info", LogLevel::info},
                                                             {"WARN", LogLevel::warn},
                                                             {"error", LogLevel::error},
                                                             {"FATAL", LogLevel::error}};
  for (const auto& entry : levels) {
    const std::string& name = entry.first;
    const LogLevel level = entry.second;
    CAPTURE(name);
    CHECK(config_of({{"POSTLUDE_LOG_LEVEL", name}}).log_level == level);
    CHECK(config_of({{"AWS_LAMBDA_LOG_LEVEL", name}}).log_level == level);
  }
}

TEST_CASE("our log level comes before the platform's") {
  CHECK(config_of({{"AWS_LAMBDA_LOG_LEVEL", "ERROR"}, {"POSTLUDE_LOG_LEVEL", "DEBUG"}}).log_level ==
        LogLevel::debug);
}

TEST_CASE("a log level of the platform that we do not know is no problem of ours") {
  CHECK(config_of({{"AWS_LAMBDA_LOG_LEVEL", "CHATTY"}}).log_level == LogLevel::info);
}

TEST_CASE("all problems are reported at once, tasks first") {
  CHECK(problems_of({{"POSTLUDE_METRICS", "x"},
                     {"POSTLUDE_CONCURRENCY", "x"},
                     {"POSTLUDE_TASKS", "[1,2]"}}) ==
        "POSTLUDE_TASKS:1:2: a task must be an object, found a number\n"
        "POSTLUDE_TASKS:1:4: a task must be an object, found a number\n"
        "POSTLUDE_CONCURRENCY: \"x\" is not a whole number from 1 to 64\n"
        "POSTLUDE_METRICS: \"x\" is not off or emf");
}

TEST_CASE("a tasks file that is not there is a problem") {
  CHECK(problems_of({{"POSTLUDE_TASKS", "tasks.json"}}) ==
        "POSTLUDE_TASKS: open \"/nonexistent/task/tasks.json\": No such file or directory (tasks "
        "themselves begin with [ or {)");
}

TEST_CASE("variables that look like misspelt settings are warned of") {
  const Config config = config_of({{"POSTLUDE_CONCURENCY", "1"},
                                   {"POSTLUDE_TASK", "[]"},
                                   {"POSTLUDE_LOGLEVEL", "x"},
                                   {"POSTLUDE_tasks", "[]"}});
  CHECK(config.warnings ==
        std::vector<std::string>{
            R"("POSTLUDE_CONCURENCY" is not a setting, did you mean POSTLUDE_CONCURRENCY?)",
            R"("POSTLUDE_TASK" is not a setting, did you mean POSTLUDE_TASKS?)",
            R"("POSTLUDE_LOGLEVEL" is not a setting, did you mean POSTLUDE_LOG_LEVEL?)",
            R"("POSTLUDE_tasks" is not a setting, did you mean POSTLUDE_TASKS?)"});
}

TEST_CASE("other variables with our prefix are somebody's own") {
  CHECK(config_of({{"POSTLUDE_BIN_DIR", "/x"},
                   {"POSTLUDE_LAYER_DIR", "/x"},
                   {"POSTLUDE_TEST_TOOLS", "/x"},
                   {"POSTLUDE_API_KEY", "x"},
                   {"POSTLUDE_", "x"},
                   {"POSTLUDE", "x"},
                   {"TASKS", "x"}})
            .warnings.empty());
}

TEST_CASE("we serve unless disabled, off Lambda, or already under a shim") {
  const auto mode = [](Variables variables) {
    return start_mode(Environment(std::move(variables)));
  };
  CHECK(mode({{"AWS_LAMBDA_RUNTIME_API", "a:1"}}) == StartMode::serve);
  CHECK(mode({}) == StartMode::no_runtime_api);
  CHECK(mode({{"AWS_LAMBDA_RUNTIME_API", ""}}) == StartMode::no_runtime_api);
  CHECK(mode({{"AWS_LAMBDA_RUNTIME_API", "a:1"}, {"POSTLUDE_API", "http://b:2/postlude/v1"}}) ==
        StartMode::nested);
  CHECK(mode({{"AWS_LAMBDA_RUNTIME_API", "a:1"}, {"POSTLUDE_DISABLED", "1"}}) ==
        StartMode::disabled);
  CHECK(mode({{"POSTLUDE_API", "x"}, {"POSTLUDE_DISABLED", "1"}}) == StartMode::disabled);
  for (const auto* value : {"", "0", "yes"}) {
    CHECK(mode({{"AWS_LAMBDA_RUNTIME_API", "a:1"}, {"POSTLUDE_DISABLED", value}}) ==
          StartMode::serve);
  }
}

TEST_CASE("the deadline margin is at most a fifth of the invocation's time") {
  const Config config = config_of({});
  CHECK(deadline_margin(config, std::chrono::minutes(15)) == Millis(500));
  CHECK(deadline_margin(config, Millis(2500)) == Millis(500));
  CHECK(deadline_margin(config, Millis(2499)) == Millis(499));
  CHECK(deadline_margin(config, Millis(1000)) == Millis(200));
  CHECK(deadline_margin(config, Millis(4)) == Millis(0));
  CHECK(deadline_margin(config, Millis(0)) == Millis(0));
  CHECK(deadline_margin(config, Millis(-1000)) == Millis(0));
}

TEST_CASE("a deadline margin in which nothing could be ended is made longer, with a warning") {
  const Config config = config_of({{"POSTLUDE_DEADLINE_MARGIN", "1ms"}});
  CHECK(config.deadline_margin == kLeastDeadlineMargin);
  CHECK(config.warnings ==
        std::vector<std::string>{"POSTLUDE_DEADLINE_MARGIN: 1ms are too short to end deferred work "
                                 "in, it is 100ms"});
  CHECK(deadline_margin(config, std::chrono::seconds(3)) == kLeastDeadlineMargin);
  CHECK(deadline_margin(config, Millis(100)) == Millis(20));
  CHECK(config_of({{"POSTLUDE_DEADLINE_MARGIN", "100ms"}}).warnings.empty());
}

TEST_CASE("the help names every setting with its default") {
  const std::string help = settings_help();
  for (const Setting& setting : settings()) {
    CAPTURE(setting.name);
    CHECK(help.find("  " + std::string(setting.name) + " ") != std::string::npos);
    CHECK_FALSE(setting.meaning.empty());
  }
  CHECK(help.find("[500ms]\n") != std::string::npos);
}

}  // namespace
}  // namespace postlude::runtime
