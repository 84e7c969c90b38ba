#include "runtime/literal_text.h"

#include <fmt/format.h>

namespace postlude::runtime {
namespace {

constexpr std::string_view kOpening = "${";
constexpr std::string_view kEscapedOpening = "$${";

/// Nothing if the text holds a template.
std::optional<std::string> unescape(std::string_view text) {
  std::string literal;
  while (!text.empty()) {
    if (text.starts_with(kEscapedOpening)) {
      literal.append(kOpening);
      text.remove_prefix(kEscapedOpening.size());
    } else if (text.starts_with(kOpening)) {
      return std::nullopt;
    } else {
      literal.push_back(text.front());
      text.remove_prefix(1);
    }
  }
  return literal;
}

}  // namespace

std::optional<std::string> read_literal(const JsonNode& node,
                                        std::string_view label,
                                        ProblemList& problems) {
  if (node.kind != JsonKind::string) {
    problems.add_wrong_type(node, label, "a string");
    return std::nullopt;
  }
  if (node.text.find('\0') != std::string::npos) {
    problems.add(node.position, fmt::format("{} holds a NUL character", label));
    return std::nullopt;
  }
  auto literal = unescape(node.text);
  if (!literal) {
    problems.add(node.position,
                 fmt::format("{}: templates are not supported by this version yet, "
                             "write $${{ for a literal ${{",
                             label));
  }
  return literal;
}

}  // namespace postlude::runtime
