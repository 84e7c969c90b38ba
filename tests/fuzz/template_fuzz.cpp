// Any bytes as a string with templates, and as a reference of `match`: never a crash, a problem
// stands within the text, and what was understood can be written again and means the same.
#include "common/template.h"
#include "tests/fuzz/require.h"

#include <string>

namespace {

using postlude::testing::require;

/// The text again, by its parts.
std::string write(const postlude::TemplateText& parsed) {
  std::string text;
  for (const auto& part : parsed.parts) {
    if (const auto* const literal = std::get_if<std::string>(&part)) {
      for (std::size_t at = 0; at < literal->size(); ++at) {
        if (literal->compare(at, 2, "${") == 0) {
          text.push_back('$');
        }
        text.push_back((*literal)[at]);
      }
      continue;
    }
    const auto& reference = std::get<postlude::Reference>(part);
    text.append("${").append(reference.text);
    if (reference.fallback) {
      text.append(":-");
      for (const char c : *reference.fallback) {
        if (c == '{' || c == '}' || c == '\\') {
          text.push_back('\\');
        }
        text.push_back(c);
      }
    }
    text.push_back('}');
  }
  return text;
}

bool same(const postlude::TemplateText& left, const postlude::TemplateText& right) {
  if (left.parts.size() != right.parts.size()) {
    return false;
  }
  for (std::size_t index = 0; index < left.parts.size(); ++index) {
    const auto* const one = std::get_if<postlude::Reference>(&left.parts[index]);
    const auto* const other = std::get_if<postlude::Reference>(&right.parts[index]);
    if ((one == nullptr) != (other == nullptr)) {
      return false;
    }
    if (one == nullptr ? left.parts[index].index() != right.parts[index].index() ||
                             std::get<std::string>(left.parts[index]) !=
                                 std::get<std::string>(right.parts[index])
                       : one->path != other->path || one->fallback != other->fallback ||
                             one->source != other->source) {
      return false;
    }
  }
  return true;
}

void check_problem(const postlude::TemplateProblem& problem, std::string_view text) {
  require(problem.offset <= text.size());
  require(!problem.message.empty() && problem.message.find('\n') == std::string::npos);
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer calls it by this name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = postlude::testing::text_of(data, size);
  if (const auto parsed = postlude::parse_template(text)) {
    const auto again = postlude::parse_template(write(*parsed));
    require(again.has_value() && same(*parsed, *again));
    require(parsed->literal() || !parsed->parts.empty());
    if (!parsed->parts.empty()) {
      static_cast<void>(postlude::host_is_literal(*parsed));
    }
  } else {
    check_problem(parsed.error(), text);
  }
  if (const auto reference = postlude::parse_reference(text)) {
    require(reference->text == text && !reference->fallback);
  } else {
    check_problem(reference.error(), text);
  }
  return 0;
}
