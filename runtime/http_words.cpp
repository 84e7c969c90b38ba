#include "runtime/http_words.h"

#include "runtime/word_reader.h"

#include <array>

namespace postlude::runtime {

std::optional<std::string> read_method(const JsonNode& node, ProblemList& problems) {
  constexpr std::array<std::string_view, 7> kMethods{
      "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"};
  const auto word = read_word(node, "\"method\"", kMethods, problems);
  return word ? std::optional<std::string>(kMethods.at(*word)) : std::nullopt;
}

}  // namespace postlude::runtime
