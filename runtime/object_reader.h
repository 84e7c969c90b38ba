#pragma once

#include "common/json_positions.h"
#include "runtime/problem_list.h"

#include <span>
#include <string_view>
#include <vector>

namespace postlude::runtime {

/// Looks up the members of one object of a configuration document. Node and list must outlive it.
class ObjectReader {
 public:
  /// `object` must be an object. Reports keys that come twice and, with a guess of what was meant,
  /// keys that are not in `known`.
  ObjectReader(const JsonNode& object,
               std::span<const std::string_view> known,
               ProblemList& problems);

  /// The first member of that name, or null.
  [[nodiscard]] const JsonNode* find(std::string_view key) const;

  /// True if an unknown key may have been meant as this one.
  [[nodiscard]] bool misspelt(std::string_view key) const;

 private:
  const JsonNode& object_;
  std::vector<std::string_view> guesses_;
};

/// Reports a key that comes twice in an object whose keys are free.
void report_duplicates(const JsonNode& object, ProblemList& problems);

}  // namespace postlude::runtime
