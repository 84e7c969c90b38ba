#include "extension/send_request.h"

#include "common/base64.h"
#include "common/json_text.h"
#include "extension/uri_encoding.h"
#include "tests/fakes/scripted_http.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <utility>
#include <vector>

namespace postlude::extension {
using testing::field_of;
using Json = nlohmann::json;

namespace {

using Variables = std::vector<std::pair<std::string, std::string>>;

constexpr const char* kTaskId = "8476a536-e9f4-11e8-9739-2dfe598c3fcd/report/0";
/// 2026-01-01T23:59:59Z
constexpr EpochTime kTime{Millis(1767311999000)};

const AwsEndpoints& aws() {
  static const AwsEndpoints kAll(Environment(Variables{{"AWS_REGION", "eu-west-1"}}));
  return kAll;
}

const AwsEndpoints& local() {
  static const AwsEndpoints kAll(Environment(
      Variables{{"AWS_REGION", "eu-west-1"}, {"AWS_ENDPOINT_URL", "http://127.0.0.1:4566/base"}}));
  return kAll;
}

TaskMessage message(std::string_view body) {
  return {
      .task_id = kTaskId, .task_name = "report", .trace_id = "Root=1-2", .body = body, .at = kTime};
}

AwsRequest sent(std::string_view arn,
                const TaskMessage& what,
                const AwsEndpoints& endpoints = aws()) {
  CAPTURE(arn);
  const auto target = parse_target_arn(arn);
  REQUIRE(target);
  auto request = send_request(*target, what, endpoints);
  REQUIRE(request);
  CHECK(field_of(request->http, "X-Amzn-Trace-Id") == "Root=1-2");
  return *request;
}

Json input_of(const AwsRequest& request) {
  return parse_json(request.http.body).value();
}

/// The form of a query protocol, decoded.
std::vector<std::pair<std::string, std::string>> form_of(const AwsRequest& request) {
  std::vector<std::pair<std::string, std::string>> form;
  std::string_view rest = request.http.body;
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    const std::size_t equals = pair.find('=');
    form.emplace_back(pair.substr(0, equals), uri_decode(pair.substr(equals + 1)));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
  }
  return form;
}

std::string refusal(std::string_view arn, std::string_view body) {
  const auto request = send_request(parse_target_arn(arn).value(), message(body), aws());
  REQUIRE_FALSE(request);
  return request.error().message;
}

constexpr const char* kQueue = "arn:aws:sqs:eu-central-1:123456789012:work";
constexpr const char* kTopic = "arn:aws:sns:eu-central-1:123456789012:news";
constexpr const char* kBus = "arn:aws:events:eu-central-1:123456789012:event-bus/bus";
constexpr const char* kFunction = "arn:aws:lambda:eu-central-1:123456789012:function:f";
constexpr const char* kMachine = "arn:aws:states:eu-central-1:123456789012:stateMachine:m";
constexpr const char* kStream = "arn:aws:kinesis:eu-central-1:123456789012:stream/s";
constexpr const char* kFirehose = "arn:aws:firehose:eu-central-1:123456789012:deliverystream/d";
constexpr const char* kPrefix = "arn:aws:s3:::bucket/dead letters/";

}  // namespace

TEST_CASE("a message to a queue names the queue's URL, of AWS or of a configured endpoint") {
  const AwsRequest request = sent(kQueue, message(R"({"a": "\u00e4"})"));
  CHECK(request.http.url.host == "sqs.eu-central-1.amazonaws.com");
  CHECK(request.region == "eu-central-1");
  CHECK(request.signing_name == "sqs");
  CHECK(field_of(request.http, "X-Amz-Target") == "AmazonSQS.SendMessage");
  CHECK(input_of(request) ==
        Json{{"QueueUrl", "https://sqs.eu-central-1.amazonaws.com/123456789012/work"},
             {"MessageBody", R"({"a": "\u00e4"})"}});
  CHECK(input_of(sent(kQueue, message("1"), local()))["QueueUrl"] ==
        "http://127.0.0.1:4566/base/123456789012/work");
  CHECK(input_of(sent("arn:aws-cn:sqs:cn-north-1:123456789012:q", message("1")))["QueueUrl"] ==
        "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/q");
}

TEST_CASE("FIFO queues and topics get group and deduplication id from the task id") {
  const Json input = input_of(sent("arn:aws:sqs:eu-central-1:123456789012:w.fifo", message("1")));
  CHECK(input["MessageGroupId"] == kTaskId);
  CHECK(input["MessageDeduplicationId"] == kTaskId);
  const auto form = form_of(sent("arn:aws:sns:eu-central-1:123456789012:n.fifo", message("1")));
  CHECK(form.at(4) == std::pair<std::string, std::string>("MessageGroupId", kTaskId));
  CHECK(form.at(5) == std::pair<std::string, std::string>("MessageDeduplicationId", kTaskId));

  TaskMessage odd = message("1");
  const std::string long_id = std::string(200, 'x') + "/report/0";
  odd.task_id = long_id;
  const Json shortened = input_of(sent("arn:aws:sqs:eu-central-1:123456789012:w.fifo", odd));
  CHECK(shortened["MessageDeduplicationId"].get<std::string>().size() == 128);
}

TEST_CASE("a message to a topic is a form") {
  const AwsRequest request = sent(kTopic, message(R"({"a":"1&2 + %"})"));
  CHECK(request.http.method == "POST");
  CHECK(request.http.url.target == "/");
  CHECK(request.label == "sns Publish");
  CHECK(form_of(request) ==
        std::vector<std::pair<std::string, std::string>>{{"Action", "Publish"},
                                                         {"Version", "2010-03-31"},
                                                         {"TopicArn", kTopic},
                                                         {"Message", R"({"a":"1&2 + %"})"}});
}

TEST_CASE("an event has source, type and time, and its detail is always an object") {
  const AwsRequest request = sent(kBus, message(R"({"a":1})"));
  CHECK(input_of(request) == Json{{"Entries",
                                   {{{"Source", "postlude"},
                                     {"DetailType", "report"},
                                     {"Detail", R"({"a":1})"},
                                     {"EventBusName", kBus},
                                     {"Time", 1767311999}}}}});
  for (const char* body : {"[1]", "\"text\"", "1", "null"}) {
    const Json detail =
        parse_json(input_of(sent(kBus, message(body)))["Entries"][0]["Detail"].get<std::string>())
            .value();
    CHECK(detail == Json{{"value", parse_json(body).value()}});
  }
}

TEST_CASE("a function is invoked asynchronously by its ARN, with its qualifier") {
  const AwsRequest request = sent(std::string(kFunction) + ":live", message(R"({"a":1})"));
  CHECK(request.http.url.target ==
        "/2015-03-31/functions/"
        "arn%3Aaws%3Alambda%3Aeu-central-1%3A123456789012%3Afunction%3Af/"
        "invocations?Qualifier=live");
  CHECK(field_of(request.http, "X-Amz-Invocation-Type") == "Event");
  CHECK(request.http.body == R"({"a":1})");
  CHECK(sent(kFunction, message("1")).http.url.target.ends_with("/invocations"));
  CHECK(sent(kFunction, message("1"), local()).http.url.target.starts_with("/base/2015-03-31/"));
}

TEST_CASE("an execution is named after the task id, and one that exists is a success") {
  const AwsRequest request = sent(kMachine, message(R"({"a":1})"));
  const Json input = input_of(request);
  CHECK(input["stateMachineArn"] == kMachine);
  CHECK(input["input"] == R"({"a":1})");
  const auto name = input["name"].get<std::string>();
  CHECK(name.size() <= 80);
  CHECK(name.starts_with("8476a536-e9f4-11e8-9739-2dfe598c3fcd-report-0-"));
  CHECK(request.done_code == "ExecutionAlreadyExists");
}

TEST_CASE("records are in base64, with the task id as key or a line feed at the end") {
  const Json record = input_of(sent(kStream, message("{\"a\":1}\n")));
  CHECK(record["StreamName"] == "s");
  CHECK(record["StreamARN"] == kStream);
  CHECK(record["PartitionKey"] == kTaskId);
  CHECK(base64_decode(record["Data"].get<std::string>()) == "{\"a\":1}");
  const Json line = input_of(sent(kFirehose, message("{\"a\":1}\n")));
  CHECK(line["DeliveryStreamName"] == "d");
  CHECK(base64_decode(line["Record"]["Data"].get<std::string>()) == "{\"a\":1}\n");
}

TEST_CASE("an object lies under prefix, day and task id") {
  const AwsRequest request = sent(kPrefix, message("{\"a\":1}\n"));
  CHECK(request.http.method == "PUT");
  CHECK(request.http.url.host == "bucket.s3.eu-west-1.amazonaws.com");
  CHECK(request.http.url.target ==
        "/dead%20letters/2026-01-01/8476a536-e9f4-11e8-9739-2dfe598c3fcd/report/0.json");
  CHECK(field_of(request.http, "Content-Type") == "application/json");
  CHECK(request.http.body == "{\"a\":1}");
  CHECK(request.signing_name == "s3");
  CHECK(sent(kPrefix, message("1"), local()).http.url.target.starts_with("/base/bucket/dead%20"));
}

TEST_CASE("a string is sent as its text where the target takes text, as JSON elsewhere") {
  const char* body = R"("two\nlines")";
  CHECK(input_of(sent(kQueue, message(body)))["MessageBody"] == "two\nlines");
  CHECK(form_of(sent(kTopic, message(body))).at(3).second == "two\nlines");
  CHECK(base64_decode(input_of(sent(kStream, message(body)))["Data"].get<std::string>()) ==
        "two\nlines");
  CHECK(sent(kFunction, message(body)).http.body == body);
  CHECK(input_of(sent(kMachine, message(body)))["input"] == body);
  CHECK(sent(kPrefix, message(body)).http.body == body);
}

TEST_CASE("what SQS refuses in text is escaped in JSON") {
  CHECK(input_of(sent(kQueue, message("{\"a\":\"\xef\xbf\xbe\xef\xbf\xbf\"}")))["MessageBody"] ==
        R"({"a":"\ufffe\uffff"})");
}

TEST_CASE("a body over the limit of its target is refused with limit and size") {
  for (const char* arn : {kQueue, kTopic, kBus, kFunction, kMachine, kStream, kFirehose}) {
    CAPTURE(arn);
    const std::size_t most = most_message_bytes(parse_target_arn(arn)->kind);
    CHECK(most >= std::size_t{255} * 1024);
    std::string body = R"({"a":")" + std::string(most - 8, 'x') + "\"}";
    REQUIRE(body.size() == most);
    CHECK(send_request(*parse_target_arn(arn), message(body), aws()));
    body.insert(6, "y");
    CHECK(refusal(arn, body) == "the body has " + std::to_string(most + 1) +
                                    " bytes, more than the " + std::to_string(most) + " that " +
                                    arn + " takes");
  }
  const std::string big = "\"" + std::string(std::size_t{6} << 20, 'x') + "\"";
  CHECK(sent(kPrefix, message(big)).http.body.size() == big.size());
}

TEST_CASE("a body that is no JSON is refused") {
  CHECK(refusal(kQueue, "  \n") == "the body is not JSON");
  CHECK(refusal(kQueue, "\"open") == "the body is not JSON");
}

}  // namespace postlude::extension
