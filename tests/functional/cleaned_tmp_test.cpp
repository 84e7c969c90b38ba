// Functions and commands that clean /tmp, where the spool is, while work is deferred: in a /tmp of
// the environment's own.
#include "tests/fakes/temp_dir.h"
#include "tests/functional/function_story.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <sys/stat.h>

#include <string>
#include <utility>
#include <vector>

using namespace postlude::testing;  // NOLINT(google-build-using-namespace)

namespace {

/// Never the machine's own /tmp, whatever goes wrong with the private one.
constexpr const char* kClean =
    "[ -n \"$HOST_TMP\" ] && [ \"$(stat -c %i /tmp)\" != \"$HOST_TMP\" ] || exit 9; "
    "rm -rf /tmp/* /tmp/.[!.]* 2>/dev/null; ls -A /tmp; echo cleaned; ";

std::pair<std::string, std::string> host_tmp() {
  struct stat info = {};
  REQUIRE(::stat("/tmp", &info) == 0);
  return {"HOST_TMP", std::to_string(info.st_ino)};
}

FunctionSpec cleaning(const TempDir& folder, const std::vector<std::string>& tasks) {
  return {.name = "cleans_tmp",
          .tasks = task_list(tasks),
          .env = {host_tmp()},
          .options = {"--private-tmp", "--keep-visible", folder.path()}};
}

/// The document that a `cat` printed as one line of the log.
nlohmann::json printed_document(const LocalLambda& lambda, const std::string& task_id) {
  return nlohmann::json::parse(lambda.log().at(line_of(lambda, R"({"id":")" + task_id + R"(")")));
}

void check_document(const nlohmann::json& document, const InvokeResult& result) {
  CHECK(document.at("requestId") == result.request_id());
  CHECK(document.at("event").at("name") == "Ada");
  CHECK(document.at("response").at("cleaned") == "Ada");
}

}  // namespace

TEST_CASE("a handler that cleans /tmp before its answer loses no task and no byte of a document") {
  const TempDir folder;
  LocalLambda lambda(node_function(cleaning(folder, {shell_task("print", "cat; ls -A /tmp")})));
  for (int call = 1; call <= 2; ++call) {
    const InvokeResult result = lambda.invoke(R"({"name": "Ada"})");
    CHECK(task_in(receipt(lambda, result.request_id()), "print").at("state") == "done");
    check_document(printed_document(lambda, result.request_id() + "/print/1"), result);
    static_cast<void>(lambda.wait_for_event({.name = "frozen", .request_id = result.request_id()}));
  }
  CHECK(count_lines(lambda, "\"level\":\"ERROR\"") == 0);
}

TEST_CASE("an event that went to the disk survives the cleaning of /tmp by its handler") {
  const TempDir folder;
  const std::string event =
      R"({"name": "Ada", "filler": ")" + std::string(1'000'000, 'x') + R"("})";
  LocalLambda lambda(node_function(cleaning(
      folder,
      {shell_task("count", R"(tr -cd x | wc -c)"),
       shell_task("ends", R"(tail -c 200 | grep -c '"cleaned":"Ada"' | sed 's/^/ends: /')")})));
  const InvokeResult result = lambda.invoke(event);
  const auto line = receipt(lambda, result.request_id());
  CHECK(task_in(line, "count").at("state") == "done");
  CHECK(task_in(line, "ends").at("state") == "done");
  CHECK(count_lines(lambda, "ends: 1") == 1);
  bool counted = false;
  for (const std::string& text : lambda.log()) {
    // The document's own keys hold a few more.
    counted = counted || text.starts_with("10000");
  }
  CHECK(counted);
}

TEST_CASE("a task that cleans /tmp takes nothing from the tasks that wait behind it") {
  const TempDir folder;
  const Gate gate(folder.file("gate"));
  FunctionSpec spec = cleaning(
      folder,
      {shell_task("clean", std::string(R"(read x <"$GATE"; )") + kClean),
       shell_task("print", "cat"),
       shell_task(
           "again", "test \"$POSTLUDE_ATTEMPT\" = 2 && cat", R"(,"attempts":2,"backoff":"1ms")")});
  spec.env.insert(spec.env.end(), {{"POSTLUDE_CONCURRENCY", "1"}, {"GATE", gate.path()}});
  LocalLambda lambda(node_function(spec));
  for (int call = 1; call <= 2; ++call) {
    // Let go before the answer: what comes first must not matter.
    gate.let_one_pass();
    const InvokeResult result = lambda.invoke(R"({"name": "Ada"})");
    const std::string id = result.request_id();
    const auto line = receipt(lambda, id);
    CHECK(line.at("message") == "deferred work: 3 done");
    CHECK(task_in(line, "again").at("attempts") == 2);
    for (const char* name : {"/print/1", "/again/1"}) {
      check_document(printed_document(lambda, id + name), result);
    }
    static_cast<void>(lambda.wait_for_event({.name = "frozen", .request_id = id}));
  }
  CHECK(count_lines(lambda, "cleaned") >= 2);
}

TEST_CASE("carried work survives the cleaning of /tmp by the next invocation") {
  const TempDir folder;
  FunctionSpec spec = cleaning(
      folder,
      {shell_task("long", R"(test -e /tmp/first || { touch /tmp/first; exec sleep 1000; }; cat)")});
  spec.handler = "index.handler";
  spec.options.insert(spec.options.end(), {"--timeout", "1s"});
  LocalLambda lambda(node_function(spec));
  const InvokeResult first = lambda.invoke(R"({"name": "Ada"})");
  const std::string id = first.request_id();
  CHECK(task_in(receipt(lambda, id), "long").at("state") == "carried");
  static_cast<void>(lambda.wait_for_event({.name = "frozen", .request_id = id}));
  // The handler removes the mark too, so the task's second run is cut as well: the third one ends.
  const InvokeResult second = lambda.invoke(R"({"name": "Grace"})");
  const auto line = receipt(lambda, second.request_id());
  bool carried_again = false;
  for (const auto& task : line.at("tasks")) {
    carried_again = carried_again || task.at("id") == id + "/long/1";
  }
  CHECK(carried_again);
  CHECK(lambda.wait_for_event({.name = "invokeEnd", .request_id = second.request_id()})
            .text("status") == "success");
}

TEST_CASE("a streaming handler that cleans /tmp right after its answer disturbs no task") {
  const TempDir folder;
  FunctionSpec spec = cleaning(folder, {shell_task("print", "cat"), shell_task("more", "cat")});
  spec.handler = "index.streaming";
  LocalLambda lambda(node_function(spec));
  for (int call = 1; call <= 5; ++call) {
    const InvokeResult result = lambda.invoke(R"({"name": "Ada"})");
    const auto line = receipt(lambda, result.request_id());
    CHECK(line.at("message") == "deferred work: 2 done");
    const auto document = printed_document(lambda, result.request_id() + "/print/1");
    CHECK(document.at("response") == "cleaned");
    CHECK(document.at("event").at("name") == "Ada");
    static_cast<void>(lambda.wait_for_event({.name = "frozen", .request_id = result.request_id()}));
  }
}

TEST_CASE("tasks that are handed over while /tmp is cleaned without end run with whole documents") {
  const TempDir folder;
  std::vector<std::string> tasks;
  for (int number = 1; number <= 6; ++number) {
    tasks.push_back(shell_task("t" + std::to_string(number), "cat"));
  }
  FunctionSpec spec = cleaning(folder, tasks);
  spec.handler = "index.storm";
  LocalLambda lambda(node_function(spec));
  for (int call = 1; call <= 3; ++call) {
    const InvokeResult result = lambda.invoke(R"({"name": "Ada"})");
    const std::string id = result.request_id();
    CHECK(receipt(lambda, id).at("message") == "deferred work: 6 done");
    for (int number = 1; number <= 6; ++number) {
      const auto document = printed_document(lambda, id + "/t" + std::to_string(number) + "/1");
      CHECK(document.at("response") == "stormy");
      CHECK(document.at("event").is_object());
    }
    static_cast<void>(lambda.wait_for_event({.name = "frozen", .request_id = id}));
  }
}
