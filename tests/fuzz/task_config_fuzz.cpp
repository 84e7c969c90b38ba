// Any bytes as a POSTLUDE_TASKS document: never a crash, every refusal a located line, everything
// accepted survives the form that crosses the socket.
#include "common/json_positions.h"
#include "common/json_text.h"
#include "common/task_json.h"
#include "runtime/task_config.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <cstdlib>

namespace {

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

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
  const auto text = postlude::dump_json(postlude::task_to_json(task));
  const auto parsed = postlude::parse_json(text);
  require(parsed.has_value());
  const auto back = postlude::task_from_json(*parsed);
  require(back.has_value());
  require(postlude::dump_json(postlude::task_to_json(*back)) == text);
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer calls it by this name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes seen as text
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_agreement(text);
  const auto tasks = postlude::runtime::parse_tasks("T", text);
  if (tasks) {
    for (const postlude::Task& task : *tasks) {
      check_round_trip(task);
    }
    return 0;
  }
  require(!tasks.error().empty());
  require(tasks.error().size() <= postlude::runtime::kMaxTaskProblems + 1);
  for (const std::string& problem : tasks.error()) {
    require(problem.starts_with("T:") && problem.find('\n') == std::string::npos);
  }
  return 0;
}
