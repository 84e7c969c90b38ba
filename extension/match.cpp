#include "extension/match.h"

#include "common/json_text.h"
#include "extension/json_escape.h"
#include "extension/template_values.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace postlude::extension {
namespace {

/// `expected` and `value` are JSON texts; the value is a scalar.
bool scalar_matches(const std::string& expected, const std::string& value) {
  if (expected.starts_with('"')) {
    return value != "null" && glob_matches(json_as_text(expected), json_as_text(value));
  }
  const auto left = parse_json(expected);
  const auto right = parse_json(value);
  return left && right && *left == *right;
}

bool condition_holds(const Condition& condition, const JsonValue& value) {
  if (value.state != JsonValue::State::found || value.text.starts_with('{') ||
      value.text.starts_with('[')) {
    return false;
  }
  return std::any_of(
      condition.any_of.begin(), condition.any_of.end(), [&](const std::string& expected) {
        return scalar_matches(expected, value.text);
      });
}

/// Where `piece` is in `text` first, or npos, in linear time (Knuth, Morris, Pratt): text and
/// pattern are chosen by different people, and one of them may be up to no good.
std::size_t find_piece(std::string_view text, std::string_view piece) {
  // Of each beginning of the piece, the longest other beginning that it ends with.
  std::vector<std::size_t> borders(piece.size() + 1, 0);
  for (std::size_t end = 1, border = 0; end < piece.size(); ++end) {
    while (border > 0 && piece[end] != piece[border]) {
      border = borders[border];
    }
    border += piece[end] == piece[border] ? 1U : 0U;
    borders[end + 1] = border;
  }
  std::size_t matched = 0;
  for (std::size_t at = 0; at < text.size() && matched < piece.size(); ++at) {
    while (matched > 0 && text[at] != piece[matched]) {
      matched = borders[matched];
    }
    matched += text[at] == piece[matched] ? 1U : 0U;
    if (matched == piece.size()) {
      return at + 1 - matched;
    }
  }
  return piece.empty() ? 0 : std::string_view::npos;
}

}  // namespace

bool matches(const std::vector<Condition>& conditions, const TemplateSources& sources) {
  std::vector<Reference> references;
  for (const Condition& condition : conditions) {
    auto reference = parse_reference(condition.reference);
    if (!reference) {
      return false;
    }
    references.push_back(std::move(*reference));
  }
  const auto values = TemplateValues::gather(references, sources);
  if (!values) {
    return false;
  }
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    if (!condition_holds(conditions[i], values->of(references[i]))) {
      return false;
    }
  }
  return true;
}

bool glob_matches(std::string_view pattern, std::string_view text) {
  // Pieces between stars are looked for from left to right: the first place a piece fits leaves the
  // most room for the rest.
  const std::size_t first_star = pattern.find('*');
  if (first_star == std::string_view::npos) {
    return pattern == text;
  }
  if (!text.starts_with(pattern.substr(0, first_star))) {
    return false;
  }
  text.remove_prefix(first_star);
  pattern.remove_prefix(first_star + 1);
  for (std::size_t star = pattern.find('*'); star != std::string_view::npos;
       star = pattern.find('*')) {
    const std::size_t found = find_piece(text, pattern.substr(0, star));
    if (found == std::string_view::npos) {
      return false;
    }
    text.remove_prefix(found + star);
    pattern.remove_prefix(star + 1);
  }
  return text.ends_with(pattern);
}

}  // namespace postlude::extension
