// How a command task can end, and what the receipt says of it.
#include "tests/fakes/temp_dir.h"
#include "tests/functional/function_story.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>

using namespace postlude::testing;  // NOLINT(google-build-using-namespace)

namespace {

std::string command(const std::string& name, const std::string& value) {
  return R"({"name": ")" + name + R"(", "command": )" + value + "}";
}

}  // namespace

TEST_CASE("a task that cannot succeed ends failed, and the receipt says why in one sentence") {
  const TempDir folder;
  static_cast<void>(folder.write("plain.txt", "no program"));
  static_cast<void>(folder.write_program("orphan", "#!/no/such/interpreter\n"));
  static_cast<void>(folder.write_program("garbage",
                                         "\x7f"
                                         "ELF is not what follows\n"));
  const std::string& here = folder.path();
  const struct {
    const char* name;
    std::string task;
    std::string why;
  } cases[] = {
      {"status", command("status", R"(["sh", "-c", "exit 3"])"), "exit status 3"},
      {"signal",
       command("signal", R"(["sh", "-c", "kill -SEGV $$"])"),
       "signal: segmentation fault"},
      {"missing",
       command("missing", R"(["bin/nothing"])"),
       sample_function("report") + "/bin/nothing does not exist"},
      {"unknown",
       command("unknown", R"(["no-such-program"])"),
       R"("no-such-program" was not found in PATH ()"},
      {"plain",
       command("plain", R"([")" + here + R"(/plain.txt"])"),
       here + "/plain.txt is not an executable file (chmod +x?)"},
      {"folder",
       command("folder", R"([")" + here + R"("])"),
       here + " is not an executable file (chmod +x?)"},
      {"orphan",
       command("orphan", R"([")" + here + R"(/orphan"])"),
       here + "/orphan exists, but the interpreter or loader that it names does not"},
      {"garbage",
       command("garbage", R"([")" + here + R"(/garbage"])"),
       here + "/garbage is no program of this machine"},
      {"place",
       command("place", R"({"argv": ["true"], "cwd": "no/such/folder"})"),
       "the working directory " + sample_function("report") + "/no/such/folder does not exist"}};
  std::vector<std::string> tasks;
  for (const auto& one : cases) {
    tasks.push_back(one.task);
  }
  LocalLambda lambda(node_function({.name = "report", .tasks = task_list(tasks)}));
  const InvokeResult result = lambda.invoke("{}");
  CHECK(result.function_error().empty());
  const auto line = receipt(lambda, result.request_id());
  CHECK(line.at("level") == "WARN");
  CHECK(line.at("message") == "deferred work: 9 failed");
  for (const auto& one : cases) {
    CAPTURE(one.name);
    const auto task = task_in(line, one.name);
    CHECK(task.at("state") == "failed");
    CHECK(task.at("attempts") == 1);
    CHECK(task.at("why").get<std::string>().substr(0, one.why.size()) == one.why);
  }
}

TEST_CASE("argv, env and cwd of a command are those of its definition") {
  const TempDir folder;
  LocalLambda lambda(node_function(
      {.name = "report",
       .tasks =
           R"([{"name": "exact", "command": {"argv": ["sh", "-c", "printf '<%s>' \"$@\"; echo; )"
           R"(echo \"$OWN $PWD\"", "zero", "", "a b", "*", "$HOME", "é"], )"
           R"("env": {"OWN": "of the task"}, "cwd": "bin"}}])",
       .env = {{"OWN", "of the function"}}}));
  const InvokeResult result = lambda.invoke("{}");
  CHECK(task_in(receipt(lambda, result.request_id()), "exact").at("state") == "done");
  CHECK(count_lines(lambda, "<><a b><*><$HOME><é>") == 1);
  CHECK(count_lines(lambda, "of the task " + sample_function("report") + "/bin") == 1);
}

TEST_CASE("a failing command is tried again as often as it says, and succeeds where it can") {
  LocalLambda lambda(node_function(
      {.name = "report",
       .tasks = task_list(
           {shell_task("third-time",
                       R"x(echo "attempt $POSTLUDE_ATTEMPT, $(grep -o '"attempt":[0-9]*')"; )x"
                       R"(test "$POSTLUDE_ATTEMPT" = 3)",
                       R"(,"attempts":5,"backoff":"50ms")"),
            shell_task("never", R"(echo never; exit 4)", R"(,"attempts":3,"backoff":"50ms")"),
            shell_task(
                "too-long", "sleep 1000", R"(,"attempts":2,"timeout":"100ms","backoff":"1ms")"),
            shell_task("once", R"(echo once; exit 5)")})}));
  const InvokeResult result = lambda.invoke("{}");
  const auto line = receipt(lambda, result.request_id());
  CHECK(line.at("message") == "deferred work: 1 done, 3 failed");
  const auto third = task_in(line, "third-time");
  CHECK(third.at("state") == "done");
  CHECK(third.at("attempts") == 3);
  CHECK_FALSE(third.contains("why"));
  for (const char* text :
       {"attempt 1, \"attempt\":1", "attempt 2, \"attempt\":2", "attempt 3, \"attempt\":3"}) {
    CHECK(count_lines(lambda, text) == 1);
  }
  const auto never = task_in(line, "never");
  CHECK(never.at("state") == "failed");
  CHECK(never.at("attempts") == 3);
  CHECK(never.at("why") == "exit status 4");
  CHECK(count_lines(lambda, "never") == 3 + 1);  // and the receipt
  const auto late = task_in(line, "too-long");
  CHECK(late.at("attempts") == 2);
  CHECK(late.at("why") == "timed out after 100 ms");
  CHECK(task_in(line, "once").at("attempts") == 1);
}

TEST_CASE("a wait between attempts that is too long to hold is carried to the next invocation") {
  // The longest backoff with full jitter is hardly ever below the 2 s that are held.
  LocalLambda lambda(node_function(
      {.name = "report",
       .tasks =
           task_list({shell_task("patient",
                                 R"(echo "try $POSTLUDE_ATTEMPT"; test "$POSTLUDE_ATTEMPT" -gt 1)",
                                 R"(,"attempts":2,"backoff":"10s","when":"success")")})}));
  const InvokeResult first = lambda.invoke("{}");
  const auto line = receipt(lambda, first.request_id());
  const auto task = task_in(line, "patient");
  const bool carried = task.at("state") == "carried";
  CHECK((carried || task.at("state") == "done"));
  static_cast<void>(lambda.wait_for_event({.name = "frozen"}));
  if (carried) {
    CHECK(task.at("attempts") == 1);
    CHECK(task.at("why") == "exit status 1");
    const InvokeResult second = lambda.invoke("{}");
    const auto later = receipt(lambda, second.request_id());
    std::size_t found = 0;
    for (const auto& entry : later.at("tasks")) {
      if (entry.at("id") == first.request_id() + "/patient/1") {
        ++found;
        CHECK(entry.at("state") == "done");
        CHECK(entry.at("attempts") == 2);
      }
    }
    CHECK(found == 1);
    CHECK(count_lines(lambda, "try 2") >= 1);
  }
}

TEST_CASE("a task that waits to be deferred does not run by itself") {
  LocalLambda lambda(node_function(
      {.name = "report",
       .tasks = task_list({shell_task("later", "echo later ran", R"(,"trigger":"demand")"),
                           shell_task("now", "echo now ran")})}));
  const InvokeResult result = lambda.invoke("{}");
  const auto line = receipt(lambda, result.request_id());
  CHECK(line.at("tasks").size() == 1);
  CHECK(task_in(line, "now").at("state") == "done");
  CHECK(count_lines(lambda, "later ran") == 0);
}
