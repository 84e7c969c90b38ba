#include "runtime/task_source.h"

#include "common/json_positions.h"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace postlude::runtime {
namespace {

/// A task root of its own for one test.
class TaskRoot {
 public:
  TaskRoot() {
    std::string pattern = (std::filesystem::temp_directory_path() / "task-root-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  TaskRoot(const TaskRoot&) = delete;
  TaskRoot(TaskRoot&&) = delete;
  TaskRoot& operator=(const TaskRoot&) = delete;
  TaskRoot& operator=(TaskRoot&&) = delete;
  ~TaskRoot() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::string& path() const { return path_; }
  void write(std::string_view name, std::string_view text) const {
    std::ofstream(path_ + "/" + std::string(name), std::ios::binary) << text;
  }
  [[nodiscard]] Environment with_tasks(std::string_view value) const {
    return Environment({{"LAMBDA_TASK_ROOT", path_}, {"POSTLUDE_TASKS", std::string(value)}});
  }
  [[nodiscard]] Environment without_tasks() const {
    return Environment({{"LAMBDA_TASK_ROOT", path_}});
  }

 private:
  std::string path_;
};

void check_source(const Environment& environment, std::string_view name, std::string_view text) {
  const auto source = find_task_source(environment);
  REQUIRE(source);
  REQUIRE(*source);
  CHECK((*source)->name == name);
  CHECK((*source)->text == text);
}

std::string error_of(const Environment& environment) {
  const auto source = find_task_source(environment);
  return source ? "found" : source.error().message;
}

TEST_CASE("a value that begins with a bracket or brace is the document itself") {
  const TaskRoot root;
  for (const std::string_view value : {"[]", "{}", " \t\r\n[1", "{"}) {
    check_source(root.with_tasks(value), "POSTLUDE_TASKS", value);
  }
}

TEST_CASE("another value is a file, relative to the task root") {
  const TaskRoot root;
  root.write("my tasks.json", "[7]");
  check_source(root.with_tasks("my tasks.json"), root.path() + "/my tasks.json", "[7]");
  check_source(
      root.with_tasks(root.path() + "/my tasks.json"), root.path() + "/my tasks.json", "[7]");
}

TEST_CASE("without the variable postlude.json of the task root is read") {
  const TaskRoot root;
  root.write("postlude.json", "[8]");
  check_source(root.without_tasks(), root.path() + "/postlude.json", "[8]");
}

TEST_CASE("without the variable and without postlude.json there are no tasks") {
  const TaskRoot root;
  for (const Environment& environment : {root.without_tasks(), Environment()}) {
    const auto source = find_task_source(environment);
    REQUIRE(source);
    CHECK_FALSE(source->has_value());
  }
}

TEST_CASE("a file that cannot be read is an error with variable, path and reason") {
  const TaskRoot root;
  CHECK(error_of(root.with_tasks("none.json")) ==
        "POSTLUDE_TASKS: open \"" + root.path() +
            "/none.json\": No such file or directory (tasks themselves begin with [ or {)");
  CHECK(error_of(root.with_tasks(".")) ==
        "POSTLUDE_TASKS: open \"" + root.path() +
            "/.\": Not a regular file (tasks themselves begin with [ or {)");
  CHECK(error_of(root.with_tasks("")) ==
        "POSTLUDE_TASKS: empty, expected tasks or a file path; unset it for no tasks");
}

TEST_CASE("a pipe is refused at once instead of being waited for") {
  const TaskRoot root;
  REQUIRE(::mkfifo((root.path() + "/pipe").c_str(), 0600) == 0);
  CHECK(error_of(root.with_tasks("pipe")) ==
        "POSTLUDE_TASKS: open \"" + root.path() +
            "/pipe\": Not a regular file (tasks themselves begin with [ or {)");
}

TEST_CASE("a postlude.json that is there and cannot be read is an error") {
  const TaskRoot root;
  std::filesystem::create_symlink("postlude.json", root.path() + "/postlude.json");
  CHECK(error_of(root.without_tasks()) ==
        "POSTLUDE_TASKS: open \"" + root.path() +
            "/postlude.json\": Too many levels of symbolic links (read because the variable is "
            "not set)");
}

TEST_CASE("a very long value is cut in the error") {
  const TaskRoot root;
  const std::string message = error_of(root.with_tasks("'" + std::string(5000, 'x')));
  CHECK(message.size() < 300);
  CHECK(message.find("File name too long") != std::string::npos);
}

TEST_CASE("a file is read up to one byte over the limit of the parser") {
  const TaskRoot root;
  root.write("big.json", std::string(kMaxPositionedJsonBytes * 2, ' '));
  const auto source = find_task_source(root.with_tasks("big.json"));
  REQUIRE(source);
  REQUIRE(*source);
  CHECK((*source)->text.size() == kMaxPositionedJsonBytes + 1);
}

TEST_CASE("a file for a check is read as it is named") {
  const TaskRoot root;
  root.write("t.json", "[9]");
  const auto source = read_task_source(root.path() + "/t.json");
  REQUIRE(source);
  CHECK(source->name == root.path() + "/t.json");
  CHECK(source->text == "[9]");

  const auto missing = read_task_source(root.path() + "/none");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().message == "open \"" + root.path() + "/none\": No such file or directory");
  CHECK(missing.error().code == ErrorCode::not_found);

  const auto folder = read_task_source(root.path());
  REQUIRE_FALSE(folder);
  CHECK(folder.error().message == "read \"" + root.path() + "\": Is a directory");
}

}  // namespace
}  // namespace postlude::runtime
