#include "runtime/task_config.h"

#include "common/json_positions.h"
#include "common/task_json.h"
#include "common/task_words.h"
#include "runtime/object_reader.h"
#include "runtime/problem_list.h"
#include "runtime/task_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>
#include <utility>

namespace postlude::runtime {
namespace {

constexpr std::array<std::string_view, 2> kDocumentKeys{"version", "tasks"};
constexpr std::string_view kVersion = "1";

/// The array of tasks of a {"version": 1, "tasks": [...]} document, or null.
const JsonNode* find_tasks_array(const JsonNode& document, ProblemList& problems) {
  const bool looks_like_task =
      std::any_of(document.items.begin(), document.items.end(), [](const JsonNode& member) {
        return member.key == "name" ||
               std::find(kActionKeys.begin(), kActionKeys.end(), member.key) != kActionKeys.end();
      });
  if (looks_like_task) {
    problems.add(document.position, "expected an array of tasks, found one task: put it in [ ]");
    return nullptr;
  }
  const ObjectReader object(document, kDocumentKeys, problems);
  if (const JsonNode* const version = object.find("version"); version == nullptr) {
    problems.add(document.position, "the key \"version\" is missing");
  } else if (version->kind != JsonKind::number) {
    problems.add_wrong_type(*version, "\"version\"", kVersion);
  } else if (version->text != kVersion) {
    problems.add(version->position,
                 fmt::format("\"version\" is {:.24}, expected 1", version->text));
  }
  const JsonNode* const tasks = object.find("tasks");
  if (tasks == nullptr) {
    if (!object.misspelt("tasks")) {
      problems.add(document.position, "the key \"tasks\" is missing");
    }
  } else if (tasks->kind != JsonKind::array) {
    problems.add_wrong_type(*tasks, "\"tasks\"", "an array");
    return nullptr;
  }
  return tasks;
}

const JsonNode* find_array(const JsonNode& document, ProblemList& problems) {
  switch (document.kind) {
    case JsonKind::array:
      return &document;
    case JsonKind::object:
      return find_tasks_array(document, problems);
    default:
      problems.add_wrong_type(
          document, "the document", R"(an array of tasks or {"version": 1, "tasks": [...]})");
      return nullptr;
  }
}

void check_unique_names(const JsonNode& array, ProblemList& problems) {
  std::unordered_map<std::string_view, TextPosition> seen;
  for (const JsonNode& task : array.items) {
    for (const JsonNode& member : task.items) {
      if (member.key != "name" || member.kind != JsonKind::string) {
        continue;
      }
      const auto [first, inserted] = seen.emplace(member.text, member.position);
      if (!inserted) {
        problems.add(member.position,
                     fmt::format("\"name\" is {}, which is taken by the task at {}",
                                 in_quotes(member.text),
                                 line_and_column(first->second)));
      }
      break;  // a duplicate key has been reported as such
    }
  }
}

void check_total_size(const JsonNode& array,
                      const std::vector<Task>& tasks,
                      ProblemList& problems) {
  std::size_t bytes = 2;  // the brackets
  for (const Task& task : tasks) {
    bytes += task_to_json(task).size() + 1;
  }
  if (bytes > kMaxSerializedTaskBytes) {
    problems.add(
        array.position,
        fmt::format("the tasks take {} bytes with every default written out, at most {} are "
                    "possible: move long texts into the package, or leave tasks out",
                    bytes,
                    kMaxSerializedTaskBytes));
  }
}

std::vector<Task> read_tasks(const JsonNode& document, ProblemList& problems) {
  std::vector<Task> tasks;
  const JsonNode* const array = find_array(document, problems);
  if (array == nullptr) {
    return tasks;
  }
  if (array->items.size() > kMaxTasks) {
    problems.add(array->items[kMaxTasks].position,
                 fmt::format("{} tasks, at most {} are possible", array->items.size(), kMaxTasks));
  }
  for (const JsonNode& item : array->items) {
    tasks.push_back(read_task(item, TaskOrigin::configuration, problems));
  }
  check_unique_names(*array, problems);
  if (problems.empty()) {
    check_total_size(*array, tasks, problems);
  }
  return tasks;
}

}  // namespace

tl::expected<std::vector<Task>, Problems> parse_tasks(std::string_view source,
                                                      std::string_view text) {
  ProblemList problems;
  std::vector<Task> tasks;
  if (const auto document = parse_positioned_json(text)) {
    tasks = read_tasks(*document, problems);
  } else {
    problems.add(document.error().position, document.error().message);
  }
  if (problems.empty()) {
    return tasks;
  }
  return tl::unexpected<Problems>(problems.lines(source, kMaxTaskProblems));
}

Problems check_tasks(std::string_view source, std::string_view text) {
  auto tasks = parse_tasks(source, text);
  return tasks ? Problems() : std::move(tasks.error());
}

}  // namespace postlude::runtime
