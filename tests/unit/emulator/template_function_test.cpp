#include "tests/emulator/template_function.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace postlude::emulator;  // NOLINT(google-build-using-namespace)

namespace {

constexpr const char* kGlobals = R"(
Parameters:
  Live: {Type: String, Default: 'no'}
Conditions:
  IsLive: !Equals [!Ref Live, 'yes']
Globals:
  Function:
    Runtime: nodejs22.x
    Handler: index.handler
    Timeout: 30
    Layers: [!Ref PostludeLayer]
    Environment:
      Variables: {WRAPPER: /opt/postlude, SHARED: global}
Resources:
  PostludeLayer:
    Type: AWS::Serverless::LayerVersion
    Metadata: {BuildMethod: makefile}
    Properties: {LayerName: postlude, ContentUri: .}
  Queue: {Type: AWS::SQS::Queue}
)";

postlude::Result<TemplateFunction> described(const std::string& resources,
                                             const TemplateQuestion& question = {"F", {}}) {
  auto document = read_cfn(std::string(kGlobals) + resources);
  REQUIRE(document.has_value());
  const auto scope =
      CfnScope::open(std::move(*document), {"t.yaml", {"eu-west-1", "111122223333"}, {}});
  REQUIRE(scope.has_value());
  return find_function(*scope, question);
}

std::string complaint(const std::string& resources, const TemplateQuestion& question = {"F", {}}) {
  const auto function = described(resources, question);
  return function ? "(no error)" : function.error().message;
}

std::string variable(const TemplateFunction& function, const std::string& name) {
  for (const auto& [key, value] : function.variables) {
    if (key == name) {
      return value;
    }
  }
  return "(unset)";
}

}  // namespace

TEST_CASE("a function has its own properties over those of Globals") {
  const auto function = described(R"(
  F:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src/
      Handler: app.main
      MemorySize: 512
      FunctionUrlConfig: {AuthType: NONE, InvokeMode: RESPONSE_STREAM}
      LoggingConfig: {LogFormat: JSON}
      Environment:
        Variables: {SHARED: own, COUNT: 3, TARGET: !GetAtt Queue.Arn}
)");
  REQUIRE_MESSAGE(function.has_value(), function.error().message);
  CHECK(function->name == "F");
  CHECK(function->code.value() == "src/");
  CHECK(function->runtime.value() == "nodejs22.x");
  CHECK(function->handler == "app.main");
  CHECK(function->timeout_seconds == 30);
  CHECK(function->memory_mb == 512);
  CHECK(function->url_mode == UrlMode::stream);
  CHECK(function->log_format == LogFormat::json);
  CHECK(function->layer->id == "PostludeLayer");
  CHECK(function->layer->is_built);
  CHECK(variable(*function, "WRAPPER") == "/opt/postlude");
  CHECK(variable(*function, "SHARED") == "own");
  CHECK(variable(*function, "COUNT") == "3");
  CHECK(variable(*function, "TARGET") == "arn:aws:sqs:eu-west-1:111122223333:Queue");
}

TEST_CASE("a plain Lambda function has no part in Globals, and Lambda's defaults") {
  const auto function = described(R"(
  Files: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: files/}}
  F:
    Type: AWS::Lambda::Function
    Properties: {FunctionName: orders, Code: src, Runtime: python3.13, Handler: a.b, Layers: [!Ref Files]}
)");
  REQUIRE(function.has_value());
  CHECK(function->name == "orders");
  CHECK(function->code.value() == "src");
  CHECK(function->timeout_seconds == 3);
  CHECK(function->memory_mb == 128);
  CHECK(function->variables.empty());
  CHECK(function->url_mode == UrlMode::buffered);
  CHECK_FALSE(function->layer->is_built);
  CHECK(function->layer->content == "files/");
}

TEST_CASE("the only function needs no name, an unknown one is answered with those that there are") {
  const std::string one = "  F: {Type: AWS::Serverless::Function, Properties: {CodeUri: .}}\n";
  const std::string two = one + "  G: {Type: AWS::Lambda::Function, Properties: {Code: .}}\n";
  CHECK(described(one, {}).value().name == "F");
  CHECK(complaint(two, {}) == "t.yaml:1: --resource NAME is missing: its functions are F, G");
  CHECK(complaint(two, {"H", {}}) == "t.yaml:1: there is no resource 'H': its functions are F, G");
  CHECK(complaint(two, {"Queue", {}}).find("Queue is AWS::SQS::Queue: its functions are F, G") !=
        std::string::npos);
  CHECK(complaint("", {"H", {}}).find("this template has no function") != std::string::npos);
}

TEST_CASE("what is wrong is told with file, line, resource and a way out") {
  const auto with = [](const std::string& properties) {
    return "  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      CodeUri: .\n      " +
           properties + "\n";
  };
  CHECK(complaint(with("Timeout: soon")) == "t.yaml:24: F: Timeout is 'soon', not a whole number");
  CHECK(complaint(with("Timeout: 0")).find("not a whole number") != std::string::npos);
  CHECK(complaint(with("Handler: [a]")).find("t.yaml:24: F: text is needed") == 0);
  CHECK(complaint(with("Environment: {Variables: {A: !Ref Nope}}")) ==
        "t.yaml:24: 'Nope' is neither a parameter nor a resource (the variable A; --env A=... "
        "wins)");
  CHECK(described(with("Environment: {Variables: {A: !Ref Nope}}"), {"F", {"A"}}).has_value());
  CHECK(complaint("  F: {Type: AWS::Serverless::Function, Condition: IsLive}\n")
            .find("the condition IsLive is false; its parameters are given by --parameter") !=
        std::string::npos);
}

TEST_CASE("code, runtime and layer are missed only by those who need them") {
  const auto error = [](const postlude::Result<std::string>& part) {
    return part ? "(no error)" : part.error().message;
  };
  const auto inline_code =
      described("  F: {Type: AWS::Serverless::Function, Properties: {InlineCode: x}}\n");
  REQUIRE(inline_code.has_value());
  CHECK(error(inline_code->code).find("give that by --function DIR") != std::string::npos);
  const auto image = described(
      "  F: {Type: AWS::Serverless::Function, Properties: {ImageUri: x, PackageType: Image}}\n");
  CHECK(error(image->code).find("a container image?") != std::string::npos);
  const auto stored =
      described("  F: {Type: AWS::Serverless::Function, Properties: {CodeUri: 's3://b/k'}}\n");
  CHECK(error(stored->code).find("lies in S3") != std::string::npos);
  const auto asset = described(
      "  F: {Type: AWS::Lambda::Function, Properties: {Code: {S3Bucket: b, S3Key: k}}}\n");
  CHECK(error(asset->code).find("--function DIR") != std::string::npos);
  CHECK(error(asset->runtime).find("--runtime 'CMD ...'") != std::string::npos);

  const auto foreign = described(
      "  F: {Type: AWS::Lambda::Function, Properties: {Layers: "
      "['arn:aws:lambda:x:1:layer:y:1']}}\n");
  REQUIRE(foreign.has_value());
  CHECK(foreign->layer.error().message.find("give its folder by --layer DIR") != std::string::npos);
  const auto several = described(
      "  F: {Type: AWS::Serverless::Function, Properties: {Layers: "
      "['arn:aws:lambda:x:1:layer:y:1']}}\n");
  CHECK(several->layer.error().message.find("it has 2 layers") != std::string::npos);
}
