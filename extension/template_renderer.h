#pragma once

#include "common/template.h"
#include "extension/template_values.h"

#include <string>
#include <string_view>

namespace postlude::extension {

/// All strings of one action together; what any of our targets takes is less, and functions may
/// have as little as 128 MB.
inline constexpr std::size_t kMaxResolvedBytes = std::size_t{8} << 20;

/// What a value may do to the text around it.
enum class TextKind {
  plain,     ///< anything
  argument,  ///< no CR, LF or NUL in a value
  header,    ///< no control characters but tabs
  url,       ///< at the start as it is, elsewhere percent-encoded
  path,      ///< percent-encoded
  json,      ///< a JSON text: values keep their type, or are part of a JSON string
};

/// Fills values into the strings of one action. Pure.
class TemplateRenderer {
 public:
  explicit TemplateRenderer(const TemplateValues& values) : values_(values) {}

  /// `place` is for messages: "http.url".
  [[nodiscard]] tl::expected<std::string, TemplateFailure> render(const std::string& place,
                                                                  TextKind kind,
                                                                  std::string_view text);

 private:
  using Rendered = tl::expected<std::string, TemplateFailure>;

  [[nodiscard]] Rendered render_text(const std::string& place,
                                     TextKind kind,
                                     const TemplateText& text);
  [[nodiscard]] Rendered render_url(const std::string& place, const TemplateText& url);
  [[nodiscard]] Rendered render_json(const std::string& place, std::string_view json);
  /// JSON in the place of one string of a JSON text.
  [[nodiscard]] Rendered render_json_string(const std::string& place, std::string_view string);
  [[nodiscard]] Rendered value_json(const std::string& place, const Reference& reference) const;
  [[nodiscard]] Rendered encoded(const std::string& place,
                                 TextKind kind,
                                 const Reference& reference) const;
  [[nodiscard]] Rendered bounded(const std::string& place, std::string text);

  const TemplateValues& values_;
  std::size_t bytes_ = 0;
};

}  // namespace postlude::extension
