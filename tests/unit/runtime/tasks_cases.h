#pragma once

#include "common/task.h"
#include "runtime/task_config.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

namespace postlude::testing {

/// A tasks document and all that is said about it, with T as its source; nothing if it is valid.
struct TasksCase {
  std::string_view document;
  runtime::Problems problems;
};

/// One string, so that a failure shows it.
inline std::string joined(const runtime::Problems& problems) {
  std::string lines;
  for (const std::string& problem : problems) {
    lines += problem + "\n";
  }
  return lines;
}

inline void check_tasks_cases(const std::vector<TasksCase>& cases) {
  for (const TasksCase& entry : cases) {
    CAPTURE(entry.document);
    CHECK(joined(runtime::check_tasks("T", entry.document)) == joined(entry.problems));
    CHECK(runtime::parse_tasks("T", entry.document).has_value() == entry.problems.empty());
  }
}

/// The tasks of a valid document.
inline std::vector<Task> parse_valid_tasks(std::string_view text) {
  auto tasks = runtime::parse_tasks("T", text);
  REQUIRE(joined(tasks ? runtime::Problems() : tasks.error()) == "");
  return std::move(*tasks);
}

inline Task parse_valid_task(std::string_view text) {
  std::vector<Task> tasks = parse_valid_tasks(text);
  REQUIRE(tasks.size() == 1);
  return std::move(tasks.front());
}

}  // namespace postlude::testing
