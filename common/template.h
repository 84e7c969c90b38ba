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
  std::optional<std::string> fallback;  ///< where missing or null; always text
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
  std::string message;     ///< one line
};

/// Of the part before ":-"; no path that a person writes is near that, and failures repeat it.
inline constexpr std::size_t kMaxReferenceBytes = 1024;
/// Bounds what a value is searched for; events are rarely nested deeper than 10.
inline constexpr std::size_t kMaxReferenceKeys = 32;
/// Bounds what one string can collect; each reference may bring a megabyte.
inline constexpr std::size_t kMaxTemplateReferences = 64;

/// Template grammar:
///
///     template  := ( text | "$${" | "${" reference [ ":-" fallback ] "}" )*
///     reference := source ( "." name | "[" digits "]" | "['" key "']" )*
///     name      := ( letter | digit | "_" | "-" | any character beyond ASCII )+
///
/// `$${` is a literal `${`; a `$` before anything else is itself. `\'` and `\\` in a key, and `\}`,
/// `\{` and `\\` in a fallback, are the second character; another backslash is itself. A fallback
/// is text that ends at the first `}`: a brace in it needs its backslash (so that `${a:-{}}` does
/// not end early without a word) and it holds no reference. Keys hold no control characters.
///
/// Checked by source: `request` is followed by method, path, query, headers or body; `context` by
/// one of its names and nothing else; `env` and `ssm` by one key; `secret` by at least one. Pure.
[[nodiscard]] tl::expected<TemplateText, TemplateProblem> parse_template(std::string_view text);

/// A reference as `match` has it: without ${ } and fallback. Pure.
[[nodiscard]] tl::expected<Reference, TemplateProblem> parse_reference(std::string_view text);

/// The URL has no reference, or its literal start holds scheme, host and the `/`, `?` or `#` behind
/// it, so that no value can become part of the host. Pure.
[[nodiscard]] bool host_is_literal(const TemplateText& url);

}  // namespace postlude
