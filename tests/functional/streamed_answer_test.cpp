// A streaming function on AWS's own runtime client ends its stream and works on: every way to call
// it, with tasks and without.
#include "tests/fakes/temp_dir.h"
#include "tests/functional/function_story.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>

using namespace postlude::testing;  // NOLINT(google-build-using-namespace)

namespace {

std::string wish(const Gate& gate) {
  return nlohmann::json({{"gate", gate.path()}}).dump();
}

/// The bytes on the wire up to those.
std::string read_up_to(RawClient& client, const std::string& end) {
  std::string wire;
  while (wire.find(end) == std::string::npos) {
    wire += client.read_some();
  }
  return wire;
}

}  // namespace

TEST_CASE("a Function URL in RESPONSE_STREAM mode has everything while the handler works on") {
  const TempDir folder;
  const Gate gate(folder.file("gate"));
  LocalLambda lambda(node_function({.name = "works_on", .options = {"--url-mode", "stream"}}));
  const InvokeResult result =
      lambda.url("POST", "/", {{"Content-Type", "application/json"}}, wish(gate));
  const std::string id = result.http.header("x-amzn-RequestId").value_or("");
  CHECK(result.status() == 200);
  CHECK(result.body() == "Hello my request id is: " + id);
  CHECK_FALSE(result.http.cut);
  static_cast<void>(lambda.wait_for_log("works on after " + id));
  CHECK(count_lines(lambda, "really done with") == 0);
  CHECK(lambda.events({.name = "invokeEnd"}).empty());
  CHECK(lambda.events({.name = "frozen", .request_id = id}).empty());
  gate.let_one_pass();
  CHECK(lambda.wait_for_event({.name = "invokeEnd", .request_id = id}).text("status") == "success");
  CHECK(receipts(lambda, id).empty());
  CHECK(line_of(lambda, "really done with " + id) < line_of(lambda, "END RequestId: " + id));
}

TEST_CASE("the first bytes reach a streamed caller while the handler holds the rest back") {
  const TempDir folder;
  const Gate gate(folder.file("gate"));
  LocalLambda lambda(node_function(
      {.name = "works_on", .handler = "index.http", .options = {"--url-mode", "stream"}}));
  RawClient client(lambda.url_address());
  client.request("POST", "/", {{"Content-Type", "application/json"}}, wish(gate));
  const RawResponse head = client.read_head();
  CHECK(head.status == 201);
  CHECK(head.header("X-Kind") == "streamed");
  CHECK(head.header("Set-Cookie") == "a=b");
  CHECK(read_up_to(client, "first,").find("second") == std::string::npos);
  CHECK(client.silent_for(100));
  gate.let_one_pass();
  CHECK(read_up_to(client, "\r\n0\r\n\r\n").find("second") != std::string::npos);
  const std::string id = head.header("x-amzn-RequestId").value_or("");
  static_cast<void>(lambda.wait_for_log("works on after " + id));
  CHECK(lambda.events({.name = "invokeEnd"}).empty());
  gate.let_one_pass();
  static_cast<void>(lambda.wait_for_event({.name = "invokeEnd", .request_id = id}));
}

TEST_CASE("the Invoke API answers when the stream has ended, with LogType=Tail at the end of all") {
  const TempDir folder;
  const Gate gate(folder.file("gate"));
  LocalLambda lambda(node_function({.name = "works_on"}));
  const InvokeResult plain = lambda.invoke(wish(gate));
  const std::string id = plain.request_id();
  CHECK(plain.body() == "Hello my request id is: " + id);
  static_cast<void>(lambda.wait_for_log("works on after " + id));
  CHECK(lambda.events({.name = "invokeEnd"}).empty());
  gate.let_one_pass();
  static_cast<void>(lambda.wait_for_event({.name = "frozen", .request_id = id}));

  auto later = lambda.invoke_later(wish(gate), {.headers = {{"X-Amz-Log-Type", "Tail"}}});
  static_cast<void>(lambda.wait_for_log("works on after", 2));
  CHECK(later.wait_for(std::chrono::milliseconds(200)) == std::future_status::timeout);
  gate.let_one_pass();
  const InvokeResult tail = later.get();
  const std::string log = tail.log_tail();
  CHECK(tail.body() == "Hello my request id is: " + tail.request_id());
  CHECK(log.find("really done with " + tail.request_id()) != std::string::npos);
  CHECK(log.find("\nREPORT RequestId: " + tail.request_id()) != std::string::npos);
}

TEST_CASE("a warm streaming function answers in less than 300 ms and then works for two seconds") {
  LocalLambda lambda(node_function({.name = "works_on", .options = {"--url-mode", "stream"}}));
  static_cast<void>(lambda.invoke(R"({"seconds": 0})"));
  static_cast<void>(lambda.wait_for_event({.name = "frozen"}));
  double fastest = 1e9;
  for (const char* seconds : {"0.5", "0.5", "2"}) {
    const InvokeResult result = lambda.url("POST",
                                           "/",
                                           {{"Content-Type", "application/json"}},
                                           std::string(R"({"seconds": )") + seconds + "}");
    const std::string id = result.request_id();
    const LambdaEvent start = lambda.wait_for_event({.name = "invokeStart", .request_id = id});
    const LambdaEvent end = lambda.wait_for_event({.name = "invokeEnd", .request_id = id});
    CHECK(end.ms() - start.ms() >= std::stod(seconds) * 1000);
    CHECK(result.answered_ms < end.ms());
    fastest = std::min(fastest, result.took_ms());
    static_cast<void>(lambda.wait_for_event({.name = "frozen", .request_id = id}));
  }
  // Of several, because the machine may be busy with something else at any one moment.
  CHECK(fastest < 300);
  CHECK(lambda.events({.name = "environmentStart"}).size() == 1);
}

TEST_CASE("a task runs while the handler works on after its answer") {
  const TempDir folder;
  const Gate gate(folder.file("gate"));
  LocalLambda lambda(node_function(
      {.name = "works_on",
       .tasks = task_list({shell_task(
           "keep",
           R"(cat >"$REPORT_DIR/document.json"; echo "task of $POSTLUDE_REQUEST_ID ran")")}),
       .env = {{"REPORT_DIR", folder.path()}},
       .options = {"--url-mode", "stream"}}));
  const InvokeResult result =
      lambda.url("POST", "/", {{"Content-Type", "application/json"}}, wish(gate));
  const std::string id = result.request_id();
  static_cast<void>(lambda.wait_for_log("task of " + id + " ran"));
  static_cast<void>(lambda.wait_for_log("works on after " + id));
  CHECK(count_lines(lambda, "really done with") == 0);
  CHECK(count_lines(lambda, R"("postlude":"receipt")") == 0);
  gate.let_one_pass();
  const auto line = receipt(lambda, id);
  CHECK(task_in(line, "keep").at("state") == "done");
  CHECK(line_of(lambda, "really done with " + id) < line_of(lambda, R"("postlude":"receipt")"));
  // No prelude: the stream's bytes are the response, as text.
  const auto document = nlohmann::json::parse(folder.read("document.json"));
  CHECK(document.at("response") == "Hello my request id is: " + id);
  CHECK(document.at("event").at("requestContext").at("http").at("method") == "POST");
}

TEST_CASE("the document of a streamed HTTP answer shows its prelude as status, headers and body") {
  const TempDir folder;
  const Gate gate(folder.file("gate"));
  LocalLambda lambda(node_function(
      {.name = "works_on",
       .handler = "index.http",
       .tasks = task_list({shell_task("keep", R"(cat >"$REPORT_DIR/document.json")")}),
       .env = {{"REPORT_DIR", folder.path()}},
       .options = {"--url-mode", "stream"}}));
  gate.let_one_pass();
  gate.let_one_pass();
  const InvokeResult result =
      lambda.url("POST", "/", {{"Content-Type", "application/json"}}, wish(gate));
  CHECK(result.status() == 201);
  CHECK(result.body() == "first,second");
  CHECK(task_in(receipt(lambda, result.request_id()), "keep").at("state") == "done");
  const auto response = nlohmann::json::parse(folder.read("document.json")).at("response");
  const nlohmann::json expected = {
      {"statusCode", 201},
      {"headers", {{"content-type", "text/plain"}, {"x-kind", "streamed"}}},
      {"cookies", {"a=b"}},
      {"body", "first,second"},
      {"isBase64Encoded", false}};
  CHECK(response == expected);
}
