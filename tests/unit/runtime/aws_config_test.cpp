#include "runtime/aws_config.h"

#include "tests/unit/runtime/tasks_cases.h"

#include <doctest/doctest.h>

#include <string>
#include <variant>

namespace postlude::runtime {
namespace {

using testing::parse_valid_task;

AwsAction aws_of(const std::string& members) {
  return std::get<AwsAction>(parse_valid_task(R"([{"name":"a","aws":{)" + members + "}}]").action);
}

/// What is said about the members of an "aws"; the first of them stands at 1:21.
std::string said_about(const std::string& members) {
  return testing::joined(check_tasks("T", R"([{"name":"a","aws":{)" + members + "}}]"));
}

TEST_CASE("a call by JSON protocol needs service and operation") {
  const AwsAction action = aws_of(R"("service":"dynamodb","operation":"PutItem")");
  CHECK(action.service == "dynamodb");
  CHECK(action.operation == "PutItem");
  CHECK(action.input == "{}");
  CHECK(action.method.empty());
  CHECK(aws_of(R"("service":"sqs","operation":"X","input": {"b": 1.0, "a": "${event}"})").input ==
        R"({"b":1.0,"a":"${event}"})");
}

TEST_CASE("a service that is not known tells how it is called") {
  const AwsAction action = aws_of(R"("service":"athena","operation":"X","target":"AmazonAthena",)"
                                  R"("jsonVersion":"1.1","signingName":"athena")");
  CHECK(action.target == "AmazonAthena");
  CHECK(action.json_version == "1.1");
  CHECK(action.signing_name == "athena");
  CHECK(
      said_about(R"("service":"athena","operation":"X","target":"T")") ==
      "T:1:31: \"service\" is \"athena\", which needs \"jsonVersion\", \"signingName\" too (known "
      "without them: dynamodb, sqs, events, states, kinesis, firehose, logs, ssm, secretsmanager, "
      "kms, ecs, cloudwatch)\n");
  CHECK(said_about(R"("service":"dynamodbb","operation":"X")") ==
        "T:1:31: \"service\" is \"dynamodbb\", which needs \"target\", \"jsonVersion\", "
        "\"signingName\" too; did you mean \"dynamodb\"?\n");
  CHECK(said_about(R"("service":"ses","operation":"SendEmail")")
            .starts_with("T:1:31: \"service\" is \"ses\", which needs \"target\""));
}

TEST_CASE("a REST call has method and path, and no operation") {
  const AwsAction action = aws_of(
      R"("service":"ses","method":"POST","path":"/v2/email/${event.id}?a=b","input":{"a":1})");
  CHECK(action.method == "POST");
  CHECK(action.path == "/v2/email/${event.id}?a=b");
  CHECK(action.input == R"({"a":1})");
  CHECK(said_about(R"("service":"ses","method":"POST")") ==
        "T:1:20: the key \"path\" is missing, a REST call has \"method\" and \"path\"\n");
  CHECK(said_about(R"("service":"ses","path":"/")") ==
        "T:1:20: the key \"method\" is missing, a REST call has \"method\" and \"path\"\n");
  CHECK(said_about(R"("service":"ses","method":"POST","path":"/","operation":"X")") ==
        "T:1:64: \"operation\" has no place in a REST call, which has \"method\" and \"path\"\n");
  CHECK(said_about(R"("service":"ses","method":"POST","path":"${event.path}")") ==
        "T:1:60: \"path\" is \"${event.path}\", expected one that begins with \"/\"\n");
  CHECK(said_about(R"("service":"ses","method":"POST","path":"/a b")") ==
        "T:1:60: \"path\" is \"/a b\": the URL has a space\n");
}

TEST_CASE("what a call lacks is named, a misspelt key only once") {
  CHECK(
      said_about("") ==
      "T:1:20: the key \"service\" is missing\n"
      "T:1:20: the key \"operation\" is missing (a REST service needs \"method\" and \"path\")\n");
  CHECK(said_about(R"("service":"sqs","operatoin":"SendMessage")") ==
        "T:1:37: unknown key \"operatoin\", did you mean \"operation\"?\n");
}

TEST_CASE("names of services and operations are plain") {
  CHECK(said_about(R"("service":"${env.S}","operation":"Put Item")") ==
        "T:1:32: \"service\" may hold no template\n"
        "T:1:54: \"operation\" is \"Put Item\", expected a name such as PutItem\n");
  CHECK(said_about(R"("service":"SQS","operation":1)") ==
        "T:1:31: \"service\" is \"SQS\", expected a name such as dynamodb\n"
        "T:1:49: \"operation\" must be a string, found a number\n");
  CHECK(said_about(
            R"("service":"x","operation":"X","target":"T","signingName":"x","jsonVersion":"2")") ==
        "T:1:96: \"jsonVersion\" is \"2\", expected \"1.0\" or \"1.1\"\n");
}

TEST_CASE("input is an object") {
  CHECK(said_about(R"("service":"sqs","operation":"X","input":"${payload}")") ==
        "T:1:61: \"input\" must be an object, found a string\n");
  CHECK(said_about(R"("service":"sqs","operation":"X","input":{"a":["${x}"]})")
            .starts_with("T:1:70: template: unknown source \"x\""));
}

}  // namespace
}  // namespace postlude::runtime
