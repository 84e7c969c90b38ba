#pragma once

#include <tl/expected.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace postlude {

/// Where a reference takes its value from (contract.md 4.4).
enum class ReferenceSource {
  event,
  request,
  response,
  payload,
  error,
  context,
  env,
  secret,
  ssm,
};

/// ${source.path:-fallback}
struct Reference {
  ReferenceSource source = ReferenceSource::event;
  /// Keys and, in decimal, indexes. Of `env` the variable; of `secret` its name, then keys of its
  /// JSON; of `ssm` the parameter.
  std::vector<std::string> path;
  std::optional<std::string> fallback;  ///< where missing or null
  std::string text;                     ///< "source.path" as written, for messages
};

/// A string with references in it: literal text and references, in turn.
struct TemplateText {
  std::vector<std::variant<std::string, Reference>> parts;

  /// The string is one reference and nothing else: it keeps the value's JSON type.
  [[nodiscard]] const Reference* single() const;
  [[nodiscard]] bool literal() const;  ///< no reference
};

struct TemplateProblem {
  std::size_t offset = 0;  ///< in bytes, from the start of the string
  std::string message;
};

/// `$${` is a literal `${`; a `$` before anything else is itself. Pure.
[[nodiscard]] tl::expected<TemplateText, TemplateProblem> parse_template(std::string_view text);

/// A reference as `match` has it: without ${ } and fallback. Pure.
[[nodiscard]] tl::expected<Reference, TemplateProblem> parse_reference(std::string_view text);

}  // namespace postlude
