// The local API as function code in a shell uses it, with curl (contract.md 5).
#include "common/base64.h"
#include "tests/fakes/temp_dir.h"
#include "tests/functional/function_story.h"
#include "tests/functional/local_lambda.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>

using namespace postlude::testing;  // NOLINT(google-build-using-namespace)

namespace {

LambdaSetup scripted(const std::string& tasks = {}, std::pair<std::string, std::string> env = {}) {
  FunctionSpec spec{.name = "scripted", .handler = "main", .tasks = tasks};
  if (!env.first.empty()) {
    spec.env.push_back(std::move(env));
  }
  return provided_function(spec);
}

std::string event_of(const std::string& script) {
  return nlohmann::json({{"script", postlude::base64_encode(script)}}).dump();
}

/// Posts to one of the local API's paths and logs "WORD STATUS BODY".
std::string post(const std::string& word, const std::string& path, const std::string& data) {
  return "echo \"" + word + " $(curl -s -w ' %{http_code}' --data-binary " + data + " $postlude" +
         path + " | tr -d '\\n')\"\n";
}

const std::string kAnswerEarly = post("responded", "/response", "'\"early\"'");
const std::string kAnswer = "curl -s -o /dev/null -d '\"usual\"' $runtime/response\n";
const std::string kShow = R"sh(echo "document: $(cat)")sh";

}  // namespace

TEST_CASE(
    "a caller is answered while the handler works on, and what that returns changes nothing") {
  const TempDir folder;
  const Gate gate(folder.file("gate"));
  LocalLambda lambda(scripted({}, {"GATE", gate.path()}));
  const InvokeResult result =
      lambda.invoke(event_of(kAnswerEarly + "read x <\"$GATE\"; echo worked on\n" + kAnswer));
  CHECK(result.body() == "\"early\"");
  CHECK(result.function_error().empty());
  CHECK(lambda.wait_for_log("responded") == "responded {\"status\":\"OK\"} 202");
  CHECK(count_lines(lambda, "worked on") == 0);
  CHECK(lambda.events({.name = "invokeEnd"}).empty());
  gate.let_one_pass();
  const LambdaEvent end = lambda.wait_for_event({.name = "invokeEnd"});
  CHECK(end.text("status") == "success");
  static_cast<void>(lambda.wait_for_log("worked on"));
  // One answer reached the platform, and the next invocation is served as usual.
  CHECK(lambda.events({.name = "responseStart"}).size() == 1);
  CHECK(lambda.invoke(event_of(kAnswer)).body() == "\"usual\"");
}

TEST_CASE("from a shell the caller is answered within 50 ms, curl's start included") {
  LocalLambda lambda(scripted());
  double fastest = 1e9;
  for (std::size_t nth = 1; nth <= 3; ++nth) {
    const InvokeResult result =
        lambda.invoke(event_of("echo \"began $(date +%s%3N)\"\n" + kAnswerEarly));
    CHECK(result.body() == "\"early\"");
    const double began = std::stod(lambda.wait_for_log("began ", nth).substr(6));
    const LambdaEvent answered =
        lambda.wait_for_event({.name = "callerAnswered", .request_id = result.request_id()});
    fastest = std::min(fastest, answered.ms() - began);
  }
  MESSAGE("caller answered " << fastest << " ms after the call began");
  CHECK(fastest < 50);
}

TEST_CASE(
    "an error after an early answer is logged and in the receipt, and the caller has success") {
  LocalLambda lambda(scripted());
  const InvokeResult result = lambda.invoke(
      event_of(kAnswerEarly +
               "curl -s -o /dev/null -H 'Lambda-Runtime-Function-Error-Type: Function.Late' "
               "-d '{\"errorType\": \"Late\"}' $runtime/error\n"));
  CHECK(result.function_error().empty());
  CHECK(result.body() == "\"early\"");
  const auto line = receipt(lambda, result.request_id());
  CHECK(line.at("lateErrorType") == "Function.Late");
  CHECK(lambda.wait_for_log("error after the answer: Function.Late").find("\"ERROR\"") !=
        std::string::npos);
  CHECK(lambda.wait_for_event({.name = "invokeEnd"}).text("status") == "success");
}

TEST_CASE("an early answer that is too large fails the invocation as the runtime's would, once") {
  // 6 MiB + 100 bytes is the most that the platform takes (lambda-protocol.md 1.3).
  const std::string make = "head -c $1 /dev/zero | tr '\\0' x >\"$0.body\"\n";
  LocalLambda lambda(scripted());
  const InvokeResult result = lambda.invoke(event_of("set -- 6291557\n" + make +
                                                     post("large", "/response", "@\"$0.body\"") +
                                                     kAnswer + "echo handler goes on\n"));
  CHECK(result.function_error() == "Unhandled");
  CHECK(result.body().find("ResponseSizeTooLarge") != std::string::npos);
  const std::string told = lambda.wait_for_log("large ");
  CHECK(told.find("AnswerTooLarge") != std::string::npos);
  CHECK(told.ends_with(" 413"));
  static_cast<void>(lambda.wait_for_log("handler goes on"));
  CHECK(lambda
            .invoke(event_of("set -- 6291556\n" + make + post("fits", "/response", "@\"$0.body\"") +
                             kAnswer))
            .body()
            .size() == 6'291'556);
  CHECK(lambda.wait_for_log("fits ").ends_with(" 202"));
}

TEST_CASE("tasks that a function defers run after the answer, with their payload") {
  const std::string tasks = task_list(
      {shell_task("show", kShow, R"(,"trigger":"demand")"), shell_task("usual", "echo usual ran")});
  LocalLambda lambda(scripted(tasks));
  const InvokeResult result = lambda.invoke(event_of(
      post("first", "/tasks", R"('{"task":"show","payload":{"n": 1.50}}')") +
      post("second", "/tasks", R"('{"command":["sh","-c","echo inline; cat"],"payload":"x"}')") +
      kAnswerEarly + post("third", "/tasks", R"('{"task":"show"}')")));
  const std::string id = result.request_id();
  CHECK(lambda.wait_for_log("first") == R"(first {"id":")" + id + R"(/show/1"} 202)");
  CHECK(lambda.wait_for_log("second") == R"(second {"id":")" + id + R"(/command/1"} 202)");
  CHECK(lambda.wait_for_log("third") == R"(third {"id":")" + id + R"(/show/2"} 202)");
  const auto line = receipt(lambda, id);
  REQUIRE(line.at("tasks").size() == 4);
  for (const auto& task : line.at("tasks")) {
    CHECK(task.at("state") == "done");
  }
  const std::string document = lambda.wait_for_log("document: ");
  CHECK(document.find(R"("payload":{"n": 1.50})") != std::string::npos);
  CHECK(document.find(R"("event":{"script")") != std::string::npos);
  CHECK(document.find(R"("response":null)") != std::string::npos);
  CHECK(lambda.wait_for_log("document: ", 2).find(R"("payload":null)") != std::string::npos);
  static_cast<void>(lambda.wait_for_log("inline"));
  static_cast<void>(lambda.wait_for_log("usual ran"));
}

TEST_CASE("a function can ask how its invocation and its tasks are") {
  const TempDir folder;
  const Gate gate(folder.file("gate"));
  const std::string waits = R"sh(echo "task waits"; read x <"$GATE")sh";
  LocalLambda lambda(scripted(task_list({shell_task("slow", waits, R"(,"trigger":"demand")")}),
                              {"GATE", gate.path()}));
  // Asks until the task runs, lets it go, and asks until it is done.
  const InvokeResult result = lambda.invoke(event_of(
      "ask() { curl -s \"$postlude\"; }\n"
      "until_state() { while ask | grep -vq '\"state\":\"'$1'\"'; do :; done; }\n" +
      post("kept", "/tasks", R"('{"task":"slow"}')") + "echo \"before $(ask)\"\n" + kAnswerEarly +
      "until_state running\necho \"between $(ask)\"\necho >\"$GATE\"\nuntil_state done\n"
      "echo \"after $(ask)\"\n" +
      "echo \"other $(curl -s -w ' %{http_code}' $POSTLUDE_API/invocations/nobody | tr -d "
      "'\\n')\"\n"));
  const auto state = [&lambda](const std::string& word) {
    const std::string line = lambda.wait_for_log(word + " {");
    return nlohmann::json::parse(line.substr(word.size()));
  };
  const auto before = state("before");
  const std::string id = result.request_id();
  CHECK(before.at("requestId") == id);
  CHECK(before.at("responded") == false);
  CHECK(before.at("remainingMs") > 1000);
  CHECK(before.at("remainingMs") <= 30'000);
  const nlohmann::json queued = {
      {"id", id + "/slow/1"}, {"name", "slow"}, {"state", "queued"}, {"attempt", 0}};
  CHECK(before.at("tasks") == nlohmann::json::array({queued}));
  const auto between = state("between");
  CHECK(between.at("responded") == true);
  CHECK(between.at("tasks")[0].at("state") == "running");
  CHECK(between.at("tasks")[0].at("attempt") == 1);
  CHECK(state("after").at("tasks")[0].at("state") == "done");
  const std::string other = lambda.wait_for_log("other {");
  CHECK(other.find("UnknownInvocation") != std::string::npos);
  CHECK(other.ends_with(" 404"));
}

TEST_CASE("more tasks than one packet between the processes holds are all told, and all run") {
  LocalLambda lambda(scripted());
  const InvokeResult result =
      lambda.invoke(event_of("for i in $(seq 140); do curl -s -o /dev/null -d "
                             "'{\"name\":\"many\",\"command\":[\"true\"]}' "
                             "\"$postlude/tasks\"; done\necho \"told $(curl -s \"$postlude\" | "
                             "grep -o '\"id\"' | wc -l)\"\n" +
                             kAnswer));
  CHECK(lambda.wait_for_log("told ") == "told 140");
  std::size_t done = 0;
  for (const auto& part : receipts(lambda, result.request_id())) {
    for (const auto& task : part.at("tasks")) {
      done += task.at("state") == "done" ? 1U : 0U;
    }
  }
  CHECK(done == 140);
}

TEST_CASE("a payload of a mebibyte arrives whole, one byte more is refused") {
  const std::string make =
      "(printf '{\"command\":[\"sh\",\"-c\",\"echo counted $(wc -c)\"],\"payload\":\"'; head -c $1 "
      "/dev/zero | tr '\\0' x; "
      "printf '\"}') >\"$0.body\"\n";
  const auto with_size = [&make](const std::string& word, std::size_t size) {
    return "set -- " + std::to_string(size) + "\n" + make + post(word, "/tasks", "@\"$0.body\"");
  };
  LocalLambda lambda(scripted());
  const std::size_t most = (std::size_t{1} << 20) - 2;
  const InvokeResult result =
      lambda.invoke(event_of(with_size("fits", most) + with_size("refused", most + 1) + kAnswer));
  CHECK(lambda.wait_for_log("fits ").find("202") != std::string::npos);
  const std::string refused = lambda.wait_for_log("refused ");
  CHECK(refused.find("PayloadTooLarge") != std::string::npos);
  CHECK(refused.ends_with(" 413"));
  const auto line = receipt(lambda, result.request_id());
  REQUIRE(line.at("tasks").size() == 1);
  CHECK(line.at("tasks")[0].at("state") == "done");
  const std::string counted = lambda.wait_for_log("counted ");
  CHECK(std::stoul(counted.substr(counted.find(' '))) > most);
}

TEST_CASE("what is no task is refused with the reason, and nothing of it runs") {
  LocalLambda lambda(scripted(task_list({shell_task("show", "true", R"(,"trigger":"demand")")})));
  const InvokeResult result = lambda.invoke(
      event_of(post("a", "/tasks", R"('{"task":"shov"}')") + post("b", "/tasks", "'nonsense'") +
               post("c", "/tasks", R"('{"comand":["x"]}')") + kAnswer));
  CHECK(result.body() == "\"usual\"");
  const std::string unknown = lambda.wait_for_log("a {");
  CHECK(unknown.find(R"(did you mean \"show\"?)") != std::string::npos);
  CHECK(unknown.ends_with(" 404"));
  CHECK(lambda.wait_for_log("b {").find("MalformedTask") != std::string::npos);
  CHECK(lambda.wait_for_log("c {").find(R"(did you mean \"command\"?)") != std::string::npos);
  lambda.wait_for_event({.name = "frozen"});
  CHECK(receipts(lambda, result.request_id()).empty());
}

TEST_CASE("a task that was deferred before the runtime died is not started") {
  LocalLambda lambda(scripted());
  const InvokeResult result = lambda.invoke(event_of(
      post("kept", "/tasks", R"('{"command":["sh","-c","echo task ran"]}')") + "kill -9 $PPID\n"));
  CHECK(result.function_error() == "Unhandled");
  lambda.wait_for_event({.name = "reset"});
  CHECK(lambda.wait_for_log("kept ").ends_with(" 202"));
  CHECK(count_lines(lambda, "task ran") == 0);
}
