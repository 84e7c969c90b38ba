#include "runtime/problem_list.h"

#include <fmt/format.h>

#include <algorithm>

namespace postlude::runtime {

void ProblemList::add_wrong_type(const JsonNode& node,
                                 std::string_view label,
                                 std::string_view expected) {
  add(node.position, fmt::format("{} must be {}, found {}", label, expected, describe(node)));
}

Problems ProblemList::lines(std::string_view source, std::size_t limit) const {
  std::vector<JsonProblem> sorted = problems_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& left, const auto& right) {
    return left.position < right.position;
  });
  Problems lines;
  for (const JsonProblem& problem : sorted) {
    if (lines.size() == limit) {
      lines.push_back(fmt::format("{}: {} more problems", source, sorted.size() - limit));
      break;
    }
    lines.push_back(
        fmt::format("{}:{}: {}", source, line_and_column(problem.position), problem.message));
  }
  return lines;
}

std::vector<std::string> ProblemList::messages() const {
  std::vector<std::string> messages;
  for (const JsonProblem& problem : problems_) {
    messages.push_back(problem.message);
  }
  return messages;
}

std::string line_and_column(TextPosition position) {
  return fmt::format("{}:{}", position.line, position.column);
}

}  // namespace postlude::runtime
