#include "runtime/object_reader.h"

#include "common/json_node.h"
#include "common/near_miss.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

namespace postlude::runtime {

void report_duplicates(const JsonNode& object, ProblemList& problems) {
  std::unordered_map<std::string_view, TextPosition> seen;
  for (const JsonNode& member : object.items) {
    const auto [first, inserted] = seen.emplace(member.key, member.key_position);
    if (!inserted) {
      problems.add(member.key_position,
                   fmt::format("duplicate key {}, the first is at {}",
                               in_quotes(member.key),
                               line_and_column(first->second)));
    }
  }
}

ObjectReader::ObjectReader(const JsonNode& object,
                           std::span<const std::string_view> known,
                           ProblemList& problems)
    : object_(object) {
  report_duplicates(object, problems);
  for (const JsonNode& member : object.items) {
    if (std::find(known.begin(), known.end(), member.key) != known.end()) {
      continue;
    }
    std::string message = fmt::format("unknown key {}", in_quotes(member.key));
    if (const auto guess = near_miss(member.key, known)) {
      guesses_.push_back(*guess);
      message += fmt::format(", did you mean {}?", in_quotes(*guess));
    }
    problems.add(member.key_position, std::move(message));
  }
}

const JsonNode* ObjectReader::find(std::string_view key) const {
  return find_member(object_, key);
}

bool ObjectReader::misspelt(std::string_view key) const {
  return std::find(guesses_.begin(), guesses_.end(), key) != guesses_.end();
}

}  // namespace postlude::runtime
