// What a command starts ends with it, whatever it does to stay.
#include "tests/fakes/temp_dir.h"
#include "tests/functional/function_story.h"
#include "tests/functional/process_probe.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>

using namespace postlude::testing;  // NOLINT(google-build-using-namespace)

namespace {

constexpr const char* kShort = R"(,"timeout":"300ms")";

/// The one task's entry in the receipt of one invocation, after which nothing is left of it.
nlohmann::json ended_task(const std::string& task, const std::string& event = "{}") {
  LocalLambda lambda(node_function({.name = "report", .tasks = task_list({task})}));
  const InvokeResult result = lambda.invoke(event);
  CHECK(result.status() == 200);
  CHECK(result.function_error().empty());
  const std::string id = result.request_id();
  const LambdaEvent frozen = lambda.wait_for_event({.name = "frozen", .request_id = id});
  CHECK(programs_in(frozen) == idle_programs());
  CHECK(lambda.wait_for_event({.name = "invokeEnd", .request_id = id}).text("status") == "success");
  const auto line = receipt(lambda, id);
  CHECK(line.at("tasks").size() == 1);
  // The environment is as good as before: it takes the next call, and nothing is found at its end.
  CHECK(lambda.invoke("{}").status() == 200);
  static_cast<void>(lambda.wait_for_event({.name = "frozen", .nth = 2}));
  CHECK(lambda.events({.name = "environmentStart"}).size() == 1);
  CHECK(lambda.stop() == 0);
  CHECK(lambda.wait_for_event({.name = "shutdown"}).text("leftovers") == "[]");
  return line.at("tasks").at(0);
}

void check_timed_out(const nlohmann::json& task) {
  CHECK(task.at("state") == "failed");
  CHECK(task.at("why") == "timed out after 300 ms");
  CHECK(task.at("attempts") == 1);
  CHECK(task.at("ms") >= 300);
  CHECK(task.at("ms") < 2000);
}

}  // namespace

TEST_CASE("a command past its timeout ends with its children, even if they ignore SIGTERM") {
  check_timed_out(ended_task(
      shell_task("stubborn",
                 R"(trap '' TERM; sleep 1000 & (sleep 1000; true) & while :; do sleep 1; done)",
                 kShort)));
}

TEST_CASE("a command that ends at SIGTERM is asked once and gets no SIGKILL") {
  LocalLambda lambda(node_function(
      {.name = "report",
       .tasks = task_list({shell_task(
           "polite",
           R"(trap 'echo "asked to end"; exit 0' TERM; sleep 1000 & while :; do wait; done)",
           kShort)})}));
  const InvokeResult result = lambda.invoke("{}");
  check_timed_out(task_in(receipt(lambda, result.request_id()), "polite"));
  CHECK(count_lines(lambda, "asked to end") == 1);
  CHECK(programs_in(lambda.wait_for_event({.name = "frozen"})) == idle_programs());
}

TEST_CASE("a daemonised grandchild neither holds its task open nor outlives it") {
  const auto task = ended_task(
      shell_task("daemon", R"((setsid sh -c 'sleep 1000 & sleep 1000' &); echo started)"));
  CHECK(task.at("state") == "done");
  CHECK(task.at("ms") < 2000);
}

TEST_CASE("a daemon that cleared its environment does not outlive its task") {
  const auto task =
      ended_task(shell_task("hidden", R"((env -i setsid sh -c 'sleep 1000; true' &); exit 0)"));
  CHECK(task.at("state") == "done");
}

TEST_CASE("a child that left the group ends with its task at the timeout") {
  check_timed_out(
      ended_task(shell_task("apart", R"(setsid sh -c 'sleep 1000; true' & wait)", kShort)));
}

TEST_CASE("a daemon of one task ends with it, the other task's daemon stays until its own end") {
  const TempDir folder;
  const Gate gate(folder.file("gate"));
  constexpr const char* kDaemon = R"((setsid sleep 1000 &); echo "$POSTLUDE_TASK has a daemon"; )";
  LocalLambda lambda(node_function(
      {.name = "report",
       .tasks = task_list({shell_task("first", kDaemon),
                           shell_task("second", std::string(kDaemon) + R"(read x <"$GATE")")}),
       .env = {{"GATE", gate.path()}}}));
  const InvokeResult result = lambda.invoke("{}");
  const std::string first = "POSTLUDE_TASK_ID=" + result.request_id() + "/first/1";
  const std::string second = "POSTLUDE_TASK_ID=" + result.request_id() + "/second/1";
  static_cast<void>(lambda.wait_for_log("first has a daemon"));
  static_cast<void>(lambda.wait_for_log("second has a daemon"));
  for (const pid_t process : processes_with(first)) {
    wait_for_state(process, "-");
  }
  const auto others = processes_with(second, "sleep");
  CHECK(others.size() == 1);
  gate.let_one_pass();
  const auto line = receipt(lambda, result.request_id());
  CHECK(task_in(line, "first").at("state") == "done");
  CHECK(task_in(line, "second").at("state") == "done");
  CHECK(programs_in(lambda.wait_for_event({.name = "frozen"})) == idle_programs());
  CHECK(processes_with(second).empty());
}

TEST_CASE("a command that writes without end is cut at 64 KiB, with a line that counts the rest") {
  LocalLambda lambda(
      node_function({.name = "report", .tasks = task_list({shell_task("chatty", "yes", kShort)})}));
  const InvokeResult result = lambda.invoke("{}");
  const auto line = receipt(lambda, result.request_id());
  check_timed_out(task_in(line, "chatty"));
  std::size_t passed = 0;
  for (const std::string& text : lambda.log()) {
    passed += text == "y" ? 2U : 0U;
  }
  CHECK(passed == 64 * 1024);
  const auto counted =
      nlohmann::json::parse(lambda.wait_for_log("bytes of output were not passed on"));
  CHECK(counted.at("postlude") == "log");
  CHECK(counted.at("level") == "WARN");
  CHECK(counted.at("task") == result.request_id() + "/chatty/1");
  CHECK(count_lines(lambda, "bytes of output were not passed on") == 1);
  static_cast<void>(lambda.wait_for_event({.name = "frozen"}));
  CHECK(lambda.invoke("{}").status() == 200);
}

TEST_CASE("both streams of a command reach the log line by line, an open last line too") {
  LocalLambda lambda(node_function(
      {.name = "report",
       .tasks = task_list({shell_task(
           "writer", R"(printf 'one\ntwo\n'; printf 'three\n' >&2; printf 'no line feed')")})}));
  const InvokeResult result = lambda.invoke("{}");
  static_cast<void>(receipt(lambda, result.request_id()));
  for (const char* text : {"one", "two", "three", "no line feed"}) {
    std::size_t whole = 0;
    for (const std::string& each : lambda.log()) {
      whole += each == text ? 1U : 0U;
    }
    CHECK(whole == 1);
  }
}

TEST_CASE("a command need not read its document, however large, and one that does gets all of it") {
  const std::string event = R"({"filler": ")" + std::string(6'000'000, 'x') + R"("})";
  const auto ignored = ended_task(shell_task("ignores", "exit 0"), event);
  CHECK(ignored.at("state") == "done");
  const auto slow = ended_task(shell_task("closes", "exec <&-; sleep 0.1; exit 0"), event);
  CHECK(slow.at("state") == "done");

  const std::string counts = shell_task("counts", "wc -c");
  LocalLambda lambda(node_function({.name = "report", .tasks = task_list({counts})}));
  const InvokeResult result = lambda.invoke(event);
  CHECK(task_in(receipt(lambda, result.request_id()), "counts").at("state") == "done");
  const auto lines = lambda.log();
  const std::string& number = lines.at(line_of(lambda, R"("postlude":"receipt")") - 1);
  CHECK(std::stoul(number) > event.size());
}
