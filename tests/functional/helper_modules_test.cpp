// The helper modules of the layer in functions of their languages (contract.md 6): Node.js on AWS's
// own runtime client, Python and Ruby on short ones of ours.
#include "tests/fakes/temp_dir.h"
#include "tests/functional/function_story.h"
#include "tests/functional/local_lambda.h"
#include "tests/functional/raw_client.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>

using namespace postlude::testing;  // NOLINT(google-build-using-namespace)

namespace {

const std::string kLanguages[] = {"node", "python", "ruby"};

/// One environment, so that what is warm is called again.
class HelperFunction {
 public:
  explicit HelperFunction(const std::string& language)
      : gate_(folder_.file("gate")), lambda_(setup(language)) {}

  [[nodiscard]] InvokeResult call(const std::string& what) {
    return lambda_.invoke(nlohmann::json({{"do", what}}).dump());
  }
  [[nodiscard]] LocalLambda& lambda() { return lambda_; }
  void let_it_go_on() const { gate_.let_one_pass(); }
  [[nodiscard]] LambdaEvent end_of(const InvokeResult& result) {
    return lambda_.wait_for_event({.name = "invokeEnd", .request_id = result.request_id()});
  }

 private:
  LambdaSetup setup(const std::string& language) const {
    const FunctionSpec spec{
        .name = "helper-" + language,
        .env = {{"GATE", gate_.path()},
                {"NODE_PATH", "/opt/nodejs/node_modules"},
                {"PYTHONPATH", "/opt/python"},
                {"PYTHONDONTWRITEBYTECODE", "1"},
                {"RUBYLIB", "/opt/ruby/lib"}},
        .options = {"--max-environments", "1", "--admission-wait", "30s", "--url-mode", "stream"}};
    if (language == "node") {
      return node_function(spec);
    }
    return language == "python" ? python_function(spec) : ruby_function(spec);
  }

  TempDir folder_;
  Gate gate_;
  LocalLambda lambda_;
};

}  // namespace

TEST_CASE("respond() answers within 50 ms while the handler works on with its locals") {
  for (const std::string& language : kLanguages) {
    CAPTURE(language);
    HelperFunction function(language);
    double fastest = 1e9;
    for (std::size_t nth = 1; nth <= 3; ++nth) {
      const InvokeResult result = function.call("respond");
      const std::string id = result.request_id();
      CHECK(nlohmann::json::parse(result.body()).at("early") == id);
      const std::string line = function.lambda().wait_for_log("responding at ", nth);
      const double began = std::stod(line.substr(line.find("at ") + 3));
      const LambdaEvent answered =
          function.lambda().wait_for_event({.name = "callerAnswered", .request_id = id});
      fastest = std::min(fastest, answered.ms() - began);
      CHECK(count_lines(function.lambda(), "worked on with a local of " + id) == 0);
      function.let_it_go_on();
      CHECK(function.end_of(result).text("status") == "success");
      static_cast<void>(function.lambda().wait_for_log("worked on with a local of " + id));
    }
    MESSAGE(language << ": caller answered " << fastest << " ms after respond() was called");
    CHECK(fastest < 50);
    CHECK(function.lambda().events({.name = "environmentStart"}).size() == 1);
  }
}

TEST_CASE("an exception after respond() changes nothing for the caller and is in the receipt") {
  for (const std::string& language : kLanguages) {
    CAPTURE(language);
    HelperFunction function(language);
    function.let_it_go_on();
    const InvokeResult result = function.call("respond, then fail");
    CHECK(result.function_error().empty());
    CHECK(nlohmann::json::parse(result.body()).at("early") == result.request_id());
    CHECK(function.end_of(result).text("status") == "success");
    CHECK_FALSE(receipt(function.lambda(), result.request_id()).at("lateErrorType").empty());
    CHECK(function.call("nothing").body() == "\"done\"");
  }
}

TEST_CASE("pieces of a stream reach the caller as they are written") {
  for (const std::string& language : kLanguages) {
    CAPTURE(language);
    HelperFunction function(language);
    const std::string body = R"({"do":"stream"})";
    RawClient caller(function.lambda().url_address());
    caller.request("POST", "/", {{"Content-Type", "application/json"}}, body);
    const RawResponse head = caller.read_head();
    CHECK(head.status == 201);
    CHECK(head.header("x-made-by") == "helper");
    CHECK(head.header("content-type") == "text/plain");
    CHECK(caller.read_until("first \r\n").ends_with("6\r\nfirst \r\n"));
    CHECK(function.lambda().events({.name = "responseEnd"}).empty());
    function.let_it_go_on();
    CHECK(caller.read_until("0\r\n\r\n") == "6\r\nsecond\r\n0\r\n\r\n");
    CHECK(function.lambda().wait_for_event({.name = "invokeEnd"}).text("status") == "success");
    static_cast<void>(function.lambda().wait_for_log("worked on after the stream"));
  }
}

TEST_CASE("after() work runs in order once the answer is out, and its errors are logged") {
  for (const std::string& language : kLanguages) {
    CAPTURE(language);
    HelperFunction function(language);
    const InvokeResult result = function.call("after");
    const std::string id = result.request_id();
    const nlohmann::json wanted = {{"text", "späť"}, {"number", 1.5}, {"list", {1, nullptr}}};
    CHECK(nlohmann::json::parse(result.body()) == wanted);
    static_cast<void>(function.lambda().wait_for_log("after one"));
    CHECK(function.lambda().events({.name = "invokeEnd"}).empty());
    CHECK(count_lines(function.lambda(), "after two") == 0);
    function.let_it_go_on();
    CHECK(function.end_of(result).text("status") == "success");
    static_cast<void>(function.lambda().wait_for_log("after two with a local of " + id));
    CHECK(line_of(function.lambda(), "after one") <
          line_of(function.lambda(), "after two with a local of " + id));
    static_cast<void>(function.lambda().wait_for_log("postlude: request " + id));
    CHECK(function.call("nothing").body() == "\"done\"");
  }
}

TEST_CASE("a second respond() raises the local API's refusal, and the caller has the first") {
  for (const std::string& language : kLanguages) {
    CAPTURE(language);
    HelperFunction function(language);
    const InvokeResult result = function.call("respond twice");
    CHECK(result.body() == "\"first\"");
    CHECK(function.lambda().wait_for_log("refused: ").find("refused: 409 AlreadyAnswered") !=
          std::string::npos);
    CHECK(function.end_of(result).text("status") == "success");
  }
}

TEST_CASE("defer() hands a task over, which runs after the answer with its payload") {
  for (const std::string& language : kLanguages) {
    CAPTURE(language);
    HelperFunction function(language);
    const InvokeResult result = function.call("defer");
    CHECK(result.body() == "\"done\"");
    CHECK(function.lambda().wait_for_log("deferred ").find(result.request_id() + "/command/1") !=
          std::string::npos);
    const auto line = receipt(function.lambda(), result.request_id());
    CHECK(task_in(line, "command").at("state") == "done");
    const std::string document = function.lambda().wait_for_log("\"payload\":");
    CHECK(nlohmann::json::parse(document).at("payload") == nlohmann::json({{"remaining", true}}));
  }
}
