#include "tests/emulator/cfn_scope.h"

#include <doctest/doctest.h>

#include <map>
#include <string>

using namespace postlude::emulator;  // NOLINT(google-build-using-namespace)

namespace {

constexpr const char* kTemplate = R"(
Parameters:
  Stage: {Type: String, Default: test}
  Zones: {Type: CommaDelimitedList, Default: "a,b"}
  Secret: {Type: String}
  Stored: {Type: AWS::SSM::Parameter::Value<String>, Default: /place}
Mappings:
  Sizes:
    test: {memory: 256}
Conditions:
  IsTest: !Equals [!Ref Stage, test]
  IsProd: !Equals [!Ref Stage, prod]
  Both: !And [!Condition IsTest, !Not [!Condition IsProd]]
  Either: !Or [!Condition IsProd, !Condition IsTest]
  Circle: !Not [!Condition Circle]
Resources:
  Queue: {Type: AWS::SQS::Queue}
  Named: {Type: AWS::SQS::Queue, Properties: {QueueName: !Sub "${Stage}.fifo"}}
  Topic: {Type: AWS::SNS::Topic}
  Table: {Type: AWS::DynamoDB::Table}
  Bucket: {Type: AWS::S3::Bucket, Properties: {BucketName: mine}}
  Bus: {Type: AWS::Events::EventBus, Properties: {Name: orders}}
  Machine: {Type: AWS::Serverless::StateMachine}
  Function: {Type: AWS::Serverless::Function}
  Api: {Type: AWS::Serverless::HttpApi}
  Itself: {Type: AWS::SQS::Queue, Properties: {QueueName: !GetAtt Itself.QueueName}}
)";

CfnScope scope_of(const std::map<std::string, std::string>& parameters = {}) {
  auto scope =
      CfnScope::open(*read_cfn(kTemplate), {"t.yaml", {"eu-west-1", "111122223333"}, parameters});
  REQUIRE(scope.has_value());
  return std::move(*scope);
}

std::string shown(const CfnNode& node) {
  std::string text = node.text;
  for (const CfnNode& item : node.items) {
    text += "[" + shown(item) + "]";
  }
  for (const auto& [name, member] : node.members) {
    text += "{" + name + ": " + shown(member) + "}";
  }
  return text;
}

/// What a value becomes; errors are told as they are.
std::string value(const std::string& yaml, const std::map<std::string, std::string>& given = {}) {
  const auto node = read_cfn(yaml);
  REQUIRE(node.has_value());
  const auto result = scope_of(given).resolve(*node);
  if (!result) {
    return "error: " + result.error().message;
  }
  return *result ? shown(**result) : "(nothing)";
}

}  // namespace

TEST_CASE("a parameter has its default, what was given wins") {
  CHECK(value("!Ref Stage") == "test");
  CHECK(value("!Ref Stage", {{"Stage", "prod"}}) == "prod");
  CHECK(value("!Ref Zones") == "[a][b]");
  CHECK(value("!Ref Secret") ==
        "error: t.yaml:1: the parameter Secret has no default; give it by --parameter Secret=...");
  CHECK(value("!Ref Stored").find("lies in Parameter Store") != std::string::npos);
  CHECK(value("!Ref Stored", {{"Stored", "x"}}) == "x");
  CHECK_FALSE(CfnScope::open(*read_cfn(kTemplate), {"t.yaml", {}, {{"Stag", "x"}}}).has_value());
}

TEST_CASE("resources have the names, ARNs and URLs that they would have on AWS") {
  CHECK(value("!Ref Queue") == "https://sqs.eu-west-1.amazonaws.com/111122223333/Queue");
  CHECK(value("!GetAtt Queue.Arn") == "arn:aws:sqs:eu-west-1:111122223333:Queue");
  CHECK(value("!GetAtt Named.Arn") == "arn:aws:sqs:eu-west-1:111122223333:test.fifo");
  CHECK(value("!GetAtt Named.QueueName") == "test.fifo");
  CHECK(value("!Ref Topic") == "arn:aws:sns:eu-west-1:111122223333:Topic");
  CHECK(value("!Ref Table") == "Table");
  CHECK(value("!GetAtt Table.Arn") == "arn:aws:dynamodb:eu-west-1:111122223333:table/Table");
  CHECK(value("!GetAtt Bucket.Arn") == "arn:aws:s3:::mine");
  CHECK(value("!GetAtt Bus.Arn") == "arn:aws:events:eu-west-1:111122223333:event-bus/orders");
  CHECK(value("!Ref Machine") == "arn:aws:states:eu-west-1:111122223333:stateMachine:Machine");
  CHECK(value("!GetAtt Function.Arn") == "arn:aws:lambda:eu-west-1:111122223333:function:Function");
  CHECK(value("!GetAtt FunctionUrl.FunctionUrl") ==
        "https://FunctionUrl.lambda-url.eu-west-1.on.aws/");
  CHECK(value("!GetAtt FunctionRole.Arn") == "arn:aws:iam::111122223333:role/FunctionRole");
  CHECK(value("!Ref Api") == "Api");
  CHECK(value("!Ref ServerlessHttpApi") == "ServerlessHttpApi");
  CHECK(value("!GetAtt Table.StreamLabel") ==
        "error: t.yaml:1: the attribute 'StreamLabel' of Table (AWS::DynamoDB::Table) has no value "
        "here");
  CHECK(value("\n!Ref Quue") == "error: t.yaml:2: 'Quue' is neither a parameter nor a resource");
  CHECK(value("!Ref QueueUrl").find("neither") != std::string::npos);
}

TEST_CASE("texts are put together and taken apart") {
  CHECK(value("!Sub '${Stage}-${Queue.Arn}-${!Literal}-${AWS::AccountId}$'") ==
        "test-arn:aws:sqs:eu-west-1:111122223333:Queue-${Literal}-111122223333$");
  CHECK(value("!Sub ['${a}/${Stage}', {a: !Ref Topic}]") ==
        "arn:aws:sns:eu-west-1:111122223333:Topic/test");
  CHECK(value("!Sub '${open'").find("never closed") != std::string::npos);
  CHECK(value("!Join ['-', [a, !Ref Stage, c]]") == "a-test-c");
  CHECK(value("!Join [',', !Ref Zones]") == "a,b");
  CHECK(value("!Select [1, !Split ['|', 'x|y|z']]") == "y");
  CHECK(value("!Select [3, !Ref Zones]").find("no item '3' among 2") != std::string::npos);
  CHECK(value("!Split ['', a]").find("delimiter") != std::string::npos);
  CHECK(value("!Base64 hello") == "aGVsbG8=");
  CHECK(value("!FindInMap [Sizes, !Ref Stage, memory]") == "256");
  CHECK(value("!FindInMap [Sizes, none, memory]").find("no Sizes.none.memory") !=
        std::string::npos);
  CHECK(value("!FindInMap [Sizes, none, memory, {DefaultValue: 1}]") == "1");
  CHECK(value("!GetAZs ''") == "[eu-west-1a][eu-west-1b][eu-west-1c]");
  CHECK(value("{'Fn::Length': [1, 2, 3]}") == "3");
  CHECK(value("{'Fn::ToJsonString': {a: [!Ref Stage]}}") == R"({"a":["test"]})");
  CHECK(value("!ImportValue x").find("Fn::ImportValue has no value outside a stack") !=
        std::string::npos);
}

TEST_CASE("conditions choose, and what is not there disappears") {
  CHECK(value("!If [IsTest, yes, no]") == "yes");
  CHECK(value("!If [IsProd, yes, no]") == "no");
  CHECK(value("!If [IsProd, yes, no]", {{"Stage", "prod"}}) == "yes");
  CHECK(value("!If [Both, yes, no]") == "yes");
  CHECK(value("!If [Either, yes, no]") == "yes");
  CHECK(value("!If [Either, yes, no]", {{"Stage", "x"}}) == "no");
  CHECK(value("!Ref AWS::NoValue") == "(nothing)");
  CHECK(value("{a: !If [IsProd, x, !Ref AWS::NoValue], b: 1}") == "{b: 1}");
  CHECK(value("[!Ref AWS::NoValue, 1]") == "[1]");
  CHECK(value("!If [None, 1, 2]").find("no condition 'None'") != std::string::npos);
}

TEST_CASE("what refers to itself is an error") {
  CHECK(value("!GetAtt Itself.Arn").find("refers to itself") != std::string::npos);
  CHECK(value("!If [Circle, 1, 2]").starts_with("error: t.yaml:"));
}

TEST_CASE("a template without resources is none") {
  for (const char* text : {"", "a: 1", "Resources: []", "[]"}) {
    CAPTURE(text);
    const auto scope = CfnScope::open(*read_cfn(text), {"t.yaml", {}, {}});
    REQUIRE_FALSE(scope.has_value());
    CHECK(scope.error().message == "t.yaml:1: a template has a map Resources");
  }
}
