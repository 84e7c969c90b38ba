#pragma once

#include "common/json_positions.h"
#include "common/template.h"
#include "runtime/problem_list.h"
#include "runtime/task_occasion.h"

#include <optional>
#include <string>
#include <string_view>

namespace postlude::runtime {

/// Reads the strings of one task's action that may hold templates, and keeps them unresolved. A
/// problem inside a template stands at its very character.
class TemplateReader {
 public:
  TemplateReader(const TaskOccasion& occasion, ProblemList& problems)
      : occasion_(occasion), problems_(problems) {}

  /// The string as written; nothing if it is no string or its template is wrong, which is reported.
  [[nodiscard]] std::optional<std::string> text(const JsonNode& node, std::string_view label) const;

  /// The same, and one of these characters in its literal text is reported too.
  [[nodiscard]] std::optional<std::string> text_without(const JsonNode& node,
                                                        std::string_view label,
                                                        std::string_view characters) const;

  /// The same, parsed. `node` must be a string.
  [[nodiscard]] std::optional<TemplateText> parse(const JsonNode& node) const;

  /// Any JSON, with templates in its strings but not in its keys; its text.
  [[nodiscard]] std::string json(const JsonNode& node) const;

  [[nodiscard]] ProblemList& problems() const { return problems_; }

 private:
  void check_strings(const JsonNode& node) const;

  const TaskOccasion& occasion_;
  ProblemList& problems_;
};

/// A string in which a template makes no sense, and is reported.
[[nodiscard]] std::optional<std::string> read_plain_text(const JsonNode& node,
                                                         std::string_view label,
                                                         ProblemList& problems);

}  // namespace postlude::runtime
