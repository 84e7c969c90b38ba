// Any bytes as a POSTLUDE_TASKS document: never a crash, every refusal a line that points into the
// text, and everything accepted is accepted again in the form that records and dead letters have.
#include "common/json_positions.h"
#include "common/json_text.h"
#include "common/task_json.h"
#include "runtime/task_config.h"
#include "tests/fuzz/require.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>

namespace {

using postlude::testing::require;

/// The two readers must agree on what is JSON, apart from their limits.
void check_agreement(std::string_view text) {
  const auto positioned = postlude::parse_positioned_json(text);
  const auto plain = postlude::parse_json(text);
  if (positioned) {
    require(plain.has_value());
  } else if (positioned.error().message.starts_with("not valid JSON")) {
    require(!plain.has_value());
  }
}

void check_round_trip(const postlude::Task& task) {
  const std::string text = postlude::task_to_json(task);
  const auto back = postlude::task_from_json(text);
  require(back.has_value());
  require(postlude::task_to_json(*back) == text);
  const auto again = postlude::runtime::parse_tasks("T", "[" + text + "]");
  require(again.has_value() && again->size() == 1);
  require(postlude::task_to_json(again->front()) == text);
}

/// "T:LINE:COLUMN: message" within the text, or the line that counts the rest.
void check_problem(std::string_view problem, std::string_view text) {
  require(problem.starts_with("T:") && problem.find('\n') == std::string_view::npos);
  problem.remove_prefix(2);
  if (problem.ends_with(" more problems")) {
    return;
  }
  std::size_t line = 0;
  std::size_t column = 0;
  const char* const end = problem.data() + problem.size();
  const auto after_line = std::from_chars(problem.data(), end, line);
  require(after_line.ec == std::errc() && *after_line.ptr == ':');
  const auto after_column = std::from_chars(after_line.ptr + 1, end, column);
  require(after_column.ec == std::errc() && *after_column.ptr == ':');
  for (; line > 1; --line) {
    const std::size_t feed = text.find('\n');
    require(feed != std::string_view::npos);
    text.remove_prefix(feed + 1);
  }
  require(line == 1 && column >= 1 && column <= text.substr(0, text.find('\n')).size() + 1);
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer calls it by this name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = postlude::testing::text_of(data, size);
  check_agreement(text);
  const auto tasks = postlude::runtime::parse_tasks("T", text);
  if (tasks) {
    std::for_each(tasks->begin(), tasks->end(), check_round_trip);
    return 0;
  }
  require(!tasks.error().empty());
  require(tasks.error().size() <= postlude::runtime::kMaxTaskProblems + 1);
  for (const std::string& problem : tasks.error()) {
    check_problem(problem, text);
  }
  return 0;
}
