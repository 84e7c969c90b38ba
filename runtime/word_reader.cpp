#include "runtime/word_reader.h"

#include "common/near_miss.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace postlude::runtime {

std::optional<std::size_t> read_word(const JsonNode& node,
                                     std::string_view label,
                                     std::span<const std::string_view> words,
                                     ProblemList& problems) {
  if (node.kind != JsonKind::string) {
    problems.add_wrong_type(node, label, "a string");
    return std::nullopt;
  }
  const auto word = std::find(words.begin(), words.end(), node.text);
  if (word != words.end()) {
    return static_cast<std::size_t>(word - words.begin());
  }
  std::string message = fmt::format("{} is {}", label, in_quotes(node.text));
  if (const auto guess = near_miss(node.text, words)) {
    message += fmt::format(", did you mean {}?", in_quotes(*guess));
  } else {
    message += fmt::format(", expected \"{}\"", fmt::join(words, "\" or \""));
  }
  problems.add(node.position, std::move(message));
  return std::nullopt;
}

}  // namespace postlude::runtime
