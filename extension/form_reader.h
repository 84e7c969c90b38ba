#pragma once

#include "extension/json_filter.h"

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace postlude::extension {

/// Of one field name; longer ones are passed over.
inline constexpr std::size_t kMaxFormNameBytes = 1024;

/// Reads a form (application/x-www-form-urlencoded) or a query string in pieces of any size, as
/// browsers write them: "+" is a space, a percent sign without two digits is itself, a field
/// without
/// "=" is empty, and invalid UTF-8 becomes U+FFFD. Memory grows with what is kept.
class FormReader {
 public:
  /// The fields to keep; nothing: all.
  explicit FormReader(std::optional<std::set<std::string>> wanted) : wanted_(std::move(wanted)) {}

  void add(std::string_view piece);

  /// The form is at its end: an object of strings in the order of first appearance, where the
  /// values of a repeated name are an array. Too large with more than kMaxTemplateValueBytes of
  /// JSON.
  [[nodiscard]] JsonValue finish();

 private:
  enum class Part { name, value, ignored };
  struct Field {
    std::string name;
    std::string values;  ///< JSON texts with commas between them
    std::size_t count = 0;
  };

  [[nodiscard]] std::size_t step(std::string_view piece, std::size_t at);
  void add_character(char c);
  void flush_percent();
  void end_name();
  void end_field();
  void keep_value();

  std::optional<std::set<std::string>> wanted_;
  std::vector<Field> fields_;
  std::map<std::string, std::size_t> positions_;  ///< in fields_
  std::size_t kept_bytes_ = 0;
  bool too_large_ = false;

  Part part_ = Part::name;
  std::string percent_;  ///< "%" and at most one digit
  std::string text_;     ///< decoded, of the name or value that is read
  std::string name_;
};

/// The object of FormReader of a whole text.
[[nodiscard]] JsonValue read_form(std::string_view text);

/// One value of a form or query string, decoded.
[[nodiscard]] std::string decode_form_text(std::string_view text);

}  // namespace postlude::extension
