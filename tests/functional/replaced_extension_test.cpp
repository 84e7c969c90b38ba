// The extension dies or hangs, and another one takes its place: the caller sees nothing, every task
// runs, the invocation ends as soon as they are done (contract.md section 8).
#include "tests/fakes/http_peer.h"
#include "tests/functional/extension_story.h"
#include "tests/functional/process_probe.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

using namespace postlude::testing;  // NOLINT(google-build-using-namespace)

namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point began) {
  return std::chrono::duration<double, std::milli>(Clock::now() - began).count();
}

/// One task that waits for the test in each of its attempts.
std::string waits(std::string_view more = "") {
  return task_list({shell_task(
      "say", R"(sleep 1000 & echo "task waits $POSTLUDE_ATTEMPT"; read x <"$GATE")", more)});
}

std::string says(std::string_view more = "") {
  return task_list({shell_task("say", R"(echo "task of $POSTLUDE_REQUEST_ID")", more)});
}

/// Some record in the spool ends so.
void wait_for_record(const std::string& spool, std::string_view end) {
  look_until("a record that ends with " + std::string(end), [&] {
    std::error_code gone;
    std::filesystem::recursive_directory_iterator entry(spool, gone);
    while (!gone && entry != std::filesystem::recursive_directory_iterator()) {
      if (entry->path().filename().string().ends_with(end)) {
        return true;
      }
      entry.increment(gone);
    }
    return false;
  });
}

}  // namespace

TEST_CASE("an extension killed while its task runs: the task runs again in the same invocation") {
  const TempDir folder;
  const Gate gate(folder.file("gate"));
  LocalLambda lambda(
      node_function({.name = "report", .tasks = waits(), .env = {{"GATE", gate.path()}}}));
  const InvokeResult first = lambda.invoke("{}");
  static_cast<void>(lambda.wait_for_log("task waits 1"));
  std::vector<pid_t> cut;
  look_until("the task's child", [&] {
    cut = processes_with("GATE=" + gate.path(), "sleep");
    return cut.size() == 1;
  });
  const auto killed = Clock::now();
  kill_extension(lambda);
  static_cast<void>(lambda.wait_for_log("task waits 1", 2));
  MESSAGE("from the kill to the task's next attempt: " << ms_since(killed) << " ms");
  CHECK(lambda.wait_for_log("is replaced").find("signal: killed") != std::string::npos);
  CHECK(count_lines(lambda, "is replaced; 1 tasks are replayed") == 1);
  wait_for_state(cut.front(), "-Z");
  CHECK(lambda.events({.name = "invokeEnd"}).empty());
  gate.let_one_pass();
  check_prompt(lambda, first);
  check_done(receipt(lambda, first.request_id()), "say");

  for (std::size_t nth = 3; nth <= 5; ++nth) {
    const InvokeResult next = lambda.invoke("{}");
    static_cast<void>(lambda.wait_for_log("task waits 1", nth));
    CHECK(lambda.events({.name = "invokeEnd"}).size() == nth - 2);
    gate.let_one_pass();
    check_prompt(lambda, next);
    check_done(receipt(lambda, next.request_id()), "say");
  }
  check_polls(lambda, 4);
}

TEST_CASE("an extension killed between two attempts: the next attempt is its successor's") {
  const TempDir folder;
  LocalLambda lambda(node_function(
      {.name = "report",
       .tasks =
           task_list({shell_task("say",
                                 R"(echo "attempt $POSTLUDE_ATTEMPT"; test $POSTLUDE_ATTEMPT = 2)",
                                 R"(,"attempts":3,"backoff":"1900ms")")}),
       .env = {{"POSTLUDE_SPOOL_DIR", folder.file("spool")}}}));
  const InvokeResult first = lambda.invoke("{}");
  wait_for_record(folder.file("spool"), "-1-0-q.task");
  kill_extension(lambda);
  check_prompt(lambda, first);
  check_done(receipt(lambda, first.request_id()), "say", 2);
  CHECK(count_lines(lambda, "attempt 1") == 1);
  CHECK(count_lines(lambda, "attempt 2") == 1);
  check_polls(lambda, 1);
}

TEST_CASE("an extension killed during an http call: the call is made again") {
  std::atomic<int> calls{0};
  HttpPeer peer([&calls](PeerConnection& connection) {
    if (connection.read_request().empty()) {
      return;
    }
    if (++calls == 1) {
      connection.wait_until_closed();
    } else {
      connection.write(http_answer("{}"));
    }
  });
  LocalLambda lambda(node_function(
      {.name = "report",
       .tasks = task_list(
           {nlohmann::json(
                {{"name", "say"},
                 {"http",
                  {{"method", "POST"}, {"url", fmt::format("http://127.0.0.1:{}/", peer.port())}}}})
                .dump()})}));
  const InvokeResult first = lambda.invoke("{}");
  look_until("the first call", [&calls] { return calls == 1; });
  kill_extension(lambda);
  check_prompt(lambda, first);
  check_done(receipt(lambda, first.request_id()), "say");
  CHECK(calls == 2);
  check_polls(lambda, 1);
}

TEST_CASE("an extension killed while a handler task runs: that goes on, and runs again") {
  LocalLambda lambda(
      node_function({.name = "reentered", .tasks = R"([{"name":"again","handler":{}}])"}));
  const InvokeResult first =
      lambda.invoke(nlohmann::json({{"body", R"({"again":"sleep","ms":700})"}}).dump());
  static_cast<void>(lambda.wait_for_log(R"({"began":)"));
  kill_extension(lambda);
  static_cast<void>(lambda.wait_for_log(R"({"ended":)"));
  check_prompt(lambda, first);
  check_done(receipt(lambda, first.request_id()), "again");
  CHECK(count_lines(lambda, R"({"began":)") == 2);
  CHECK(count_lines(lambda, R"({"ended":)") == 2);
  check_polls(lambda, 1);
}

TEST_CASE("an extension killed after the runtime died: its successor ends the tasks at hand") {
  const TempDir folder;
  const Gate gate(folder.file("gate"));
  LocalLambda lambda(
      node_function({.name = "failing", .tasks = waits(), .env = {{"GATE", gate.path()}}}));
  const InvokeResult first = lambda.invoke(R"({"how": "answer, then kill"})");
  CHECK(first.function_error().empty());
  static_cast<void>(lambda.wait_for_log("task waits 1"));
  look_until("the runtime's end",
             [&] { return processes_with("GATE=" + gate.path(), "node").empty(); });
  kill_extension(lambda);
  static_cast<void>(lambda.wait_for_log("task waits 1", 2));
  gate.let_one_pass();
  check_done(receipt(lambda, first.request_id()), "say");
  CHECK(count_lines(lambda, "is replaced") == 1);
}

TEST_CASE("an extension killed in a frozen environment is replaced when it thaws") {
  LocalLambda lambda(node_function({.name = "report", .tasks = says()}));
  check_prompt(lambda, lambda.invoke("{}"));
  kill_extension(lambda);
  for (int call = 1; call <= 3; ++call) {
    const InvokeResult result = lambda.invoke("{}");
    check_prompt(lambda, result);
    check_done(receipt(lambda, result.request_id()), "say");
    CHECK(result.took_ms() < 5000);
  }
  check_polls(lambda, 4);
}

TEST_CASE("an extension killed right after the init is replaced when the first event comes") {
  LocalLambda lambda(
      node_function({.name = "report", .tasks = says(), .options = {"--eager-init"}}));
  static_cast<void>(lambda.wait_for_event({.name = "frozen"}));
  kill_extension(lambda);
  for (int call = 1; call <= 2; ++call) {
    const InvokeResult result = lambda.invoke("{}");
    check_prompt(lambda, result);
    check_done(receipt(lambda, result.request_id()), "say");
  }
  check_polls(lambda, 2);
}

TEST_CASE("an extension killed while the handler works on after its answer is not missed") {
  const TempDir folder;
  const Gate gate(folder.file("gate"));
  const Gate task_gate(folder.file("task-gate"));
  LocalLambda lambda(
      node_function({.name = "works_on", .tasks = waits(), .env = {{"GATE", task_gate.path()}}}));
  const std::string wish = nlohmann::json({{"gate", gate.path()}}).dump();
  const InvokeResult first = lambda.invoke(wish);
  static_cast<void>(lambda.wait_for_log("task waits 1"));
  kill_extension(lambda);
  static_cast<void>(lambda.wait_for_log("task waits 1", 2));
  task_gate.let_one_pass();
  gate.let_one_pass();
  check_prompt(lambda, first);
  check_done(receipt(lambda, first.request_id()), "say");
  check_polls(lambda, 1);
}

TEST_CASE("an extension killed in the middle of a stream: the caller gets all of it") {
  const TempDir folder;
  const Gate gate(folder.file("gate"));
  LocalLambda lambda(node_function({.name = "works_on",
                                    .handler = "index.http",
                                    .tasks = says(),
                                    .options = {"--url-mode", "stream"}}));
  auto call = lambda.url_later("POST",
                               "/",
                               {{"Content-Type", "application/json"}},
                               nlohmann::json({{"gate", gate.path()}}).dump());
  static_cast<void>(lambda.wait_for_event({.name = "responseStart"}));
  const pid_t killed = kill_extension(lambda);
  static_cast<void>(successor_of(lambda, killed));
  gate.let_one_pass();
  const InvokeResult result = call.get();
  CHECK(result.status() == 201);
  CHECK(result.body() == "first,second");
  gate.let_one_pass();
  const LambdaEvent end = lambda.wait_for_event({.name = "invokeEnd"});
  CHECK(end.text("status") == "success");
  static_cast<void>(lambda.wait_for_event({.name = "frozen"}));
  check_done(receipt(lambda, end.text("requestId")), "say");
  check_polls(lambda, 1);
}

TEST_CASE("carried work outlives the extension that held it") {
  const TempDir folder;
  const Gate gate(folder.file("gate"));
  LocalLambda lambda(node_function({.name = "failing",
                                    .tasks = waits(R"(,"when":"failure")"),
                                    .env = {{"GATE", gate.path()}},
                                    .options = {"--timeout", "2s"}}));
  const InvokeResult first = lambda.invoke(R"({"how": "throw"})");
  CHECK(task_in(receipt(lambda, first.request_id()), "say").at("state") == "carried");
  static_cast<void>(lambda.wait_for_event({.name = "frozen"}));
  kill_extension(lambda);
  const InvokeResult second = lambda.invoke(R"({"how": "answer"})");
  static_cast<void>(lambda.wait_for_log("task waits 1", 2));
  gate.let_one_pass();
  check_prompt(lambda, second);
  const auto line = nlohmann::json::parse(lambda.wait_for_log(R"("state":"done")"));
  CHECK(task_in(line, "say").at("id") == first.request_id() + "/say/1");
  check_prompt(lambda, lambda.invoke(R"({"how": "answer"})"));
  check_polls(lambda, 3);
}

TEST_CASE("an extension that hangs while its task waits is replaced after three seconds") {
  const TempDir folder;
  const Gate gate(folder.file("gate"));
  LocalLambda lambda(
      node_function({.name = "report", .tasks = waits(), .env = {{"GATE", gate.path()}}}));
  const InvokeResult first = lambda.invoke("{}");
  static_cast<void>(lambda.wait_for_log("task waits 1"));
  const auto stopped = Clock::now();
  const pid_t hung = stop_extension(lambda);
  static_cast<void>(lambda.wait_for_log("it did not answer) and is replaced"));
  const double took = ms_since(stopped);
  MESSAGE("from the hang to the replacement: " << took << " ms");
  CHECK(took > 1000);
  CHECK(took < 6000);
  wait_for_state(hung, "-");
  static_cast<void>(lambda.wait_for_log("task waits 1", 2));
  gate.let_one_pass();
  check_prompt(lambda, first);
  check_done(receipt(lambda, first.request_id()), "say");
  check_polls(lambda, 1);
}

TEST_CASE(
    "an extension that hangs without any task holds an invocation for three seconds at most") {
  const TempDir folder;
  const Gate gate(folder.file("gate"));
  LocalLambda lambda(node_function({.name = "works_on"}));
  const InvokeResult first = lambda.invoke(nlohmann::json({{"gate", gate.path()}}).dump());
  stop_extension(lambda);
  const auto went_on = Clock::now();
  gate.let_one_pass();
  check_prompt(lambda, first);
  MESSAGE("from the end of the handler to the end of the invocation: " << ms_since(went_on)
                                                                       << " ms");
  CHECK(count_lines(lambda, "it did not answer) and is replaced; 0 tasks are replayed") == 1);
  check_prompt(lambda, lambda.invoke(R"({"seconds": 0})"));
  check_polls(lambda, 2);
}

TEST_CASE("an extension that hangs does not let a function with a short timeout come to it") {
  const TempDir folder;
  const Gate gate(folder.file("gate"));
  LocalLambda lambda(
      node_function({.name = "report",
                     .tasks = waits(),
                     .env = {{"GATE", gate.path()}, {"POSTLUDE_DEADLINE_MARGIN", "600ms"}},
                     .options = {"--timeout", "3s"}}));
  const InvokeResult first = lambda.invoke("{}");
  static_cast<void>(lambda.wait_for_log("task waits 1"));
  stop_extension(lambda);
  check_prompt(lambda, first);
  // The work goes on in the next invocation.
  const InvokeResult second = lambda.invoke("{}");
  for (std::size_t waiting = 2; waiting <= 3; ++waiting) {
    static_cast<void>(lambda.wait_for_log("task waits 1", waiting));
  }
  gate.let_one_pass();
  gate.let_one_pass();
  check_prompt(lambda, second);
  const nlohmann::json line = receipt(lambda, second.request_id());
  CHECK(line.at("tasks").size() == 2);
  for (const auto& task : line.at("tasks")) {
    CHECK(task.at("state") == "done");
  }
  CHECK(line.at("tasks").at(0).at("id") == first.request_id() + "/say/1");
  check_polls(lambda, 2);
}

TEST_CASE(
    "one that hangs behind a short invocation does not let the next one, a longer one, time out") {
  LocalLambda lambda(node_function({.name = "works_on", .options = {"--timeout", "3s"}}));
  check_prompt(lambda, lambda.invoke(R"({"seconds": 0.9})"));
  // The time of the first one comes while its handler works; it is released at its own.
  const InvokeResult second = lambda.invoke(R"({"seconds": 2.3})");
  static_cast<void>(lambda.wait_for_log("works on after " + second.request_id()));
  stop_extension(lambda);
  check_prompt(lambda, second);
  // The platform may freeze us before the hung process has gone.
  check_prompt(lambda, lambda.invoke(R"({"seconds": 0})"));
  static_cast<void>(
      lambda.wait_for_log("it did not answer) and is replaced; 0 tasks are replayed"));
  check_polls(lambda, 3);
}

TEST_CASE("an extension that was killed three times within ten seconds is missing from then on") {
  const TempDir folder;
  const Gate gate(folder.file("gate"));
  LocalLambda lambda(
      node_function({.name = "report", .tasks = waits(), .env = {{"GATE", gate.path()}}}));
  const InvokeResult first = lambda.invoke("{}");
  for (std::size_t kill = 1; kill <= 3; ++kill) {
    static_cast<void>(lambda.wait_for_log("task waits 1", kill));
    kill_extension(lambda);
  }
  check_prompt(lambda, first);
  check_dropped(receipt(lambda, first.request_id()), "say");
  CHECK(count_lines(lambda, "is replaced") == 2);
  CHECK(count_lines(lambda, "no extension: signal: killed") == 1);
  for (const char* program : {"sh", "sleep"}) {
    for (const pid_t process : processes_with("GATE=" + gate.path(), program)) {
      wait_for_state(process, "-Z");
    }
  }
  for (int call = 1; call <= 2; ++call) {
    const InvokeResult next = lambda.invoke("{}");
    check_prompt(lambda, next);
    check_dropped(receipt(lambda, next.request_id()), "say");
  }
  check_polls(lambda, 3);
}

TEST_CASE("an extension killed at the shutdown has no successor, and its task a receipt") {
  const TempDir folder;
  const Gate gate(folder.file("gate"));
  LocalLambda lambda(
      node_function({.name = "report", .tasks = waits(), .env = {{"GATE", gate.path()}}}));
  const InvokeResult first = lambda.invoke("{}");
  static_cast<void>(lambda.wait_for_log("task waits 1"));
  kill_extension(lambda);
  static_cast<void>(lambda.wait_for_log("task waits 1", 2));
  CHECK(lambda.stop() == 0);
  CHECK(count_lines(lambda, "is replaced") == 1);
  CHECK(count_lines(lambda, R"("postlude":"receipt")") == 1);
  CHECK(count_lines(lambda, R"("state":"expired")") == 1);
}
