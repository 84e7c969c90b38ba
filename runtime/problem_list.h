#pragma once

#include "common/json_positions.h"
#include "runtime/problems.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace postlude::runtime {

/// Collects what is wrong with a document, in any order.
class ProblemList {
 public:
  void add(TextPosition position, std::string message) {
    problems_.push_back(JsonProblem{position, std::move(message)});
  }

  /// "LABEL must be EXPECTED, found a number", at the node.
  void add_wrong_type(const JsonNode& node, std::string_view label, std::string_view expected);

  [[nodiscard]] bool empty() const { return problems_.empty(); }

  /// "SOURCE:LINE:COLUMN: message" sorted by position; problems of one position keep their order.
  /// At most `limit` of them, and then one line that counts the rest.
  [[nodiscard]] Problems lines(std::string_view source, std::size_t limit) const;

  /// What is wrong, without where: for a text that nobody sees as lines.
  [[nodiscard]] std::vector<std::string> messages() const;

 private:
  std::vector<JsonProblem> problems_;
};

/// "3:14"
[[nodiscard]] std::string line_and_column(TextPosition position);

}  // namespace postlude::runtime
