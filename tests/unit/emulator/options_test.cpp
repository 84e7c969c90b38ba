#include "tests/emulator/options.h"

#include "tests/emulator/environment_variables.h"
#include "tests/emulator/invocation_request.h"
#include "tests/fakes/temp_dir.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace postlude::emulator;  // NOLINT(google-build-using-namespace)

namespace {

std::variant<Options, EarlyExit> parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "postlude-emulator");
  return parse_options(static_cast<int>(arguments.size()), arguments.data(), "/no/launchers");
}

std::string value_of(const Variables& variables, const std::string& name) {
  const auto found = std::find_if(
      variables.begin(), variables.end(), [&](const auto& one) { return one.first == name; });
  return found == variables.end() ? "(unset)" : found->second;
}

}  // namespace

TEST_CASE("durations have a unit") {
  using std::chrono::milliseconds;
  CHECK(parse_duration("250ms") == milliseconds(250));
  CHECK(parse_duration("10s") == milliseconds(10'000));
  CHECK(parse_duration("2m") == milliseconds(120'000));
  for (const char* wrong : {"", "10", "s", "-1s", "1h", "1 s", "1.5s"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_duration(wrong).has_value());
  }
}

TEST_CASE("options that make no sense are told and nothing starts") {
  const auto complaint = [](const std::vector<const char*>& arguments) {
    const auto parsed = parse(arguments);
    const auto* early = std::get_if<EarlyExit>(&parsed);
    return early != nullptr && early->status != 0 ? early->text : std::string();
  };
  CHECK(complaint({"--runtime", "x"}).find("--function") != std::string::npos);
  CHECK(
      complaint({"--function", "/", "--runtime", "x", "--timeout", "5"}).find("5 is no duration") !=
      std::string::npos);
  CHECK(complaint({"--function", "/", "--runtime", "'x"}).find("--runtime") != std::string::npos);
  CHECK(complaint({"--function", "/", "--runtime", "java21"}).find("--runtime 'CMD") !=
        std::string::npos);
  CHECK(complaint({"--function", "/", "--runtime", "nodejs22.x"})
            .find("nodejs22.x: /no/launchers/nodejs/node does not exist; 'make deps build'") !=
        std::string::npos);
  CHECK(complaint({"--function", "/", "--runtime", "x", "--timeout", "901s"}).find("900s") !=
        std::string::npos);
  CHECK(complaint({"--function", "/", "--runtime", "x", "--env", "novalue"}).find("K=V") !=
        std::string::npos);
}

TEST_CASE("the layer stands for /opt in variables and search paths") {
  const auto parsed = parse({"--function",
                             "/usr",
                             "--layer",
                             "/bin/..",
                             "--runtime",
                             "node x",
                             "--env",
                             "AWS_LAMBDA_EXEC_WRAPPER=/opt/wrapper",
                             "--env",
                             "OTHER=/optional",
                             "--env",
                             "NODE_PATH=/mine"});
  REQUIRE(std::holds_alternative<Options>(parsed));
  Options options = std::get<Options>(parsed);
  options.layer_dir = "/layer";
  CHECK(resolve_opt("/opt/wrapper", "/layer") == "/layer/wrapper");
  CHECK(resolve_opt("/opt", "/layer") == "/layer");
  const EnvironmentFacts facts{"127.0.0.1:1", "stream", "/bin"};
  const Variables runtime = runtime_variables(options, facts);
  CHECK(value_of(runtime, "OTHER") == "/optional");
  CHECK(value_of(runtime, "NODE_PATH") == "/mine:/layer/nodejs/node_modules");
  CHECK(value_of(runtime, "PATH") == "/bin:/layer/bin");
  CHECK(value_of(runtime, "AWS_LAMBDA_RUNTIME_API") == "127.0.0.1:1");
  CHECK(value_of(runtime, "LAMBDA_TASK_ROOT") == "/usr");
  CHECK(value_of(runtime, "AWS_LAMBDA_LOG_STREAM_NAME") == "stream");
  const Variables extension = extension_variables(options, facts);
  for (const char* name : {"AWS_EXECUTION_ENV",
                           "AWS_LAMBDA_LOG_STREAM_NAME",
                           "LAMBDA_TASK_ROOT",
                           "LAMBDA_RUNTIME_DIR",
                           "_HANDLER",
                           "_AWS_XRAY_DAEMON_PORT"}) {
    CAPTURE(name);
    CHECK(value_of(runtime, name) != "(unset)");
    CHECK(value_of(extension, name) == "(unset)");
  }
  CHECK(value_of(extension, "AWS_LAMBDA_FUNCTION_NAME") == "function");
}

TEST_CASE("a function is named by name, partial ARN or whole ARN, with a qualifier") {
  const auto both = [](const std::string& text) {
    const FunctionReference reference = parse_function_reference(text);
    return reference.name + "/" + reference.qualifier;
  };
  CHECK(both("f") == "f/");
  CHECK(both("f:live") == "f/live");
  CHECK(both("123456789012:function:f") == "f/");
  CHECK(both("arn:aws:lambda:eu-west-1:123456789012:function:f:7") == "f/7");
  CHECK(both("function") == "function/");
  CHECK(both("function:live") == "function/live");
}

TEST_CASE("an init has the platform's limit for its kind unless another is given") {
  using std::chrono::seconds;
  CHECK(default_init_timeout(InitType::on_demand, seconds(300)) == seconds(10));
  CHECK(default_init_timeout(InitType::snap_start, seconds(30)) == seconds(130));
  CHECK(default_init_timeout(InitType::managed_instances, seconds(300)) == seconds(300));
  CHECK(default_init_timeout(InitType::managed_instances, seconds(5000)) == seconds(900));
  const auto limit = [](std::vector<const char*> more) {
    std::vector<const char*> arguments{"--function", "/", "--runtime", "x"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto parsed = parse(arguments);
    const auto* options = std::get_if<Options>(&parsed);
    return options != nullptr ? options->init_timeout : seconds(-1);
  };
  CHECK(limit({}) == seconds(10));
  CHECK(limit({"--managed-instances", "4"}) == seconds(130));
  CHECK(limit({"--managed-instances", "4", "--init-timeout", "2s"}) == seconds(2));
  CHECK(limit({"--managed-instances", "4", "--init-type", "snap-start"}) == seconds(-1));
}

TEST_CASE("Managed Instances and the log format are told to the function") {
  const auto parsed = parse({"--function", "/", "--runtime", "x", "--managed-instances", "4"});
  REQUIRE(std::holds_alternative<Options>(parsed));
  const Variables managed = runtime_variables(std::get<Options>(parsed), {"", "", ""});
  CHECK(value_of(managed, "AWS_LAMBDA_MAX_CONCURRENCY") == "4");
  CHECK(value_of(managed, "AWS_LAMBDA_INITIALIZATION_TYPE") == "lambda-managed-instances");
  CHECK(value_of(managed, "AWS_LAMBDA_LOG_FORMAT") == "JSON");
  const auto plain = parse({"--function", "/", "--runtime", "x"});
  REQUIRE(std::holds_alternative<Options>(plain));
  const Variables usual = runtime_variables(std::get<Options>(plain), {"", "", ""});
  CHECK(value_of(usual, "AWS_LAMBDA_MAX_CONCURRENCY") == "(unset)");
  CHECK(value_of(usual, "AWS_LAMBDA_INITIALIZATION_TYPE") == "on-demand");
  CHECK(value_of(usual, "AWS_LAMBDA_LOG_FORMAT") == "(unset)");
}

TEST_CASE("a template says what the command line does not") {
  const postlude::testing::TempDir folder;
  std::filesystem::create_directories(folder.file("src"));
  std::filesystem::create_directories(folder.file(".aws-sam/build/Postlude"));
  const std::string file = folder.file("template.yaml");
  std::ofstream(file) << R"(
Parameters: {Stage: {Type: String, Default: test}}
Resources:
  Postlude: {Type: AWS::Serverless::LayerVersion, Metadata: {BuildMethod: makefile}}
  Orders:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src
      Runtime: provided.al2023
      Handler: main
      Timeout: 7
      MemorySize: 256
      FunctionUrlConfig: {AuthType: NONE, InvokeMode: RESPONSE_STREAM}
      Layers: [!Ref Postlude]
      Environment: {Variables: {WRAPPER: /opt/postlude, STAGE: !Ref Stage}}
)";
  const auto from_template = [&](std::vector<const char*> more) {
    more.insert(more.begin(), {"--template", file.c_str(), "--resource", "Orders"});
    const auto parsed = parse(more);
    const auto* early = std::get_if<EarlyExit>(&parsed);
    REQUIRE_MESSAGE(early == nullptr, early->text);
    return std::get<Options>(parsed);
  };
  const Options all = from_template({});
  const std::string layer = folder.file(".aws-sam/build/Postlude");
  CHECK(all.function_dir == folder.file("src"));
  CHECK(all.layer_dir == layer);
  CHECK(all.function_name == "Orders");
  CHECK(all.handler == "main");
  CHECK(all.runtime.kind == RuntimeKind::provided);
  CHECK(all.timeout == std::chrono::milliseconds(7000));
  CHECK(all.memory_mb == 256);
  CHECK(all.url_mode == UrlMode::stream);
  CHECK(value_of(all.variables, "WRAPPER") == layer + "/postlude");
  CHECK(value_of(all.variables, "STAGE") == "test");

  const Options given = from_template(
      {"--function", "/usr",     "--layer", "/usr",         "--runtime",   "node x",    "--handler",
       "h",          "--name",   "n",       "--timeout",    "9s",          "--memory",  "512",
       "--url-mode", "buffered", "--env",   "WRAPPER=mine", "--parameter", "Stage=prod"});
  CHECK(given.function_dir == "/usr");
  CHECK(given.layer_dir == "/usr");
  CHECK(given.function_name == "n");
  CHECK(given.handler == "h");
  CHECK(given.runtime.command == std::vector<std::string>{"node", "x"});
  CHECK(given.timeout == std::chrono::milliseconds(9000));
  CHECK(given.memory_mb == 512);
  CHECK(given.url_mode == UrlMode::buffered);
  CHECK(value_of(given.variables, "WRAPPER") == "mine");
  CHECK(value_of(given.variables, "STAGE") == "prod");
}

TEST_CASE("folders that a template names and nobody made are told with the remedy") {
  const postlude::testing::TempDir folder;
  const std::string file = folder.file("template.yaml");
  std::ofstream(file) << R"(
Resources:
  Postlude: {Type: AWS::Serverless::LayerVersion, Metadata: {BuildMethod: makefile}}
  Orders:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: src, Runtime: java21, Handler: main, Layers: [!Ref Postlude]}
)";
  const auto complaint = [&](std::vector<const char*> more) {
    more.insert(more.begin(), {"--template", file.c_str()});
    const auto parsed = parse(more);
    const auto* early = std::get_if<EarlyExit>(&parsed);
    return early != nullptr && early->status != 0 ? early->text : std::string();
  };
  CHECK(complaint({}).find("src, is no folder; give one by --function DIR") != std::string::npos);
  CHECK(complaint({"--function", "/"}).find("run 'sam build Postlude', or give its folder") !=
        std::string::npos);
  CHECK(complaint({"--function", "/", "--layer", "/"}).find("no launcher for java21") !=
        std::string::npos);
  CHECK(complaint({"--function", "/", "--layer", "/", "--runtime", "x"}).empty());
}
