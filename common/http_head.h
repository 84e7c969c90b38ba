#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace postlude {

struct HeaderField {
  std::string_view name;
  std::string_view value;
};

/// A read-only view of one HTTP/1.x head (start line, fields, empty line), or of a trailer section
/// seen through `fields`. The bytes belong to the caller and must outlive the view. Nothing is
/// decoded, joined or reordered. Pure; throws nothing.
class HttpHead {
 public:
  /// `bytes` is what HttpFraming reported as FramingEvent::head.
  explicit HttpHead(std::string_view bytes);

  [[nodiscard]] std::string_view start_line() const { return start_line_; }

  // Of a request; empty where the start line is not one.
  [[nodiscard]] std::string_view method() const;
  [[nodiscard]] std::string_view target() const;

  /// Of a response; 0 where the start line is not a status line.
  [[nodiscard]] int status() const;

  /// "HTTP/1.1" or "HTTP/1.0".
  [[nodiscard]] std::string_view version() const;

  /// The first field of that name (case-insensitive), without surrounding white space.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;

  /// True if any field of that name holds `token` in its comma list (both case-insensitive).
  [[nodiscard]] bool has_token(std::string_view name, std::string_view token) const;

  /// The field lines: everything between the start line and the empty line.
  [[nodiscard]] std::string_view field_lines() const { return field_lines_; }

 private:
  std::string_view start_line_;
  std::string_view field_lines_;
};

/// Walks field lines (of a head or of a trailer section) from front to back.
class FieldCursor {
 public:
  explicit FieldCursor(std::string_view field_lines) : rest_(field_lines) {}
  /// Nothing at the end. A line without a colon has the whole line as name and no value.
  [[nodiscard]] std::optional<HeaderField> next();

 private:
  std::string_view rest_;
};

[[nodiscard]] bool equal_ignoring_case(std::string_view left, std::string_view right);

/// First field of that name in a bare trailer section.
[[nodiscard]] std::optional<std::string_view> find_field(std::string_view field_lines,
                                                         std::string_view name);

/// A whole head for the few messages we make ourselves. CR, LF and NUL in values become spaces, so
/// a value can never become a line of its own.
[[nodiscard]] std::string write_head(std::string_view start_line,
                                     std::span<const HeaderField> fields);

}  // namespace postlude
