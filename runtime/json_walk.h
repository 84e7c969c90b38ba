#pragma once

#include "common/json_positions.h"

#include <cstddef>
#include <optional>
#include <string_view>

namespace postlude::runtime {

/// A value as it stands in a JSON text.
struct JsonPart {
  JsonKind kind = JsonKind::null;
  std::string_view text = {};  ///< with its quotes or brackets
};

struct JsonMember {
  std::string_view key = {};  ///< with its quotes; empty for an item of an array
  JsonPart value = {};
};

/// Walks the members of an object or the items of an array, once and from front to back, and checks
/// what it passes: the grammar of RFC 8259 and UTF-8. It keeps nothing and decodes nothing, so that
/// a text of megabytes costs no memory. Lone surrogates are grammatical (BodyDecoder finds them);
/// nesting beyond kMaxJsonDepth is not. Pure.
class JsonWalk {
 public:
  /// Views `text`, where white space may stand before the bracket.
  explicit JsonWalk(std::string_view text, std::size_t depth = 0);

  /// In the order of the text, duplicate keys included. Nothing: it is at its end, or invalid.
  [[nodiscard]] std::optional<JsonMember> next();

  /// The closing bracket was passed.
  [[nodiscard]] bool closed() const { return state_ == State::closed; }
  /// The same, and nothing but white space follows.
  [[nodiscard]] bool closed_at_end() const;
  /// How far it came: behind the closing bracket once closed.
  [[nodiscard]] std::size_t position() const { return at_; }
  [[nodiscard]] bool over_object() const { return closing_ == '}'; }

 private:
  enum class State { first, later, closed, invalid };

  [[nodiscard]] bool take(char c);
  void skip_space();
  [[nodiscard]] std::optional<std::string_view> take_key();
  [[nodiscard]] std::optional<JsonPart> take_value();
  [[nodiscard]] std::size_t end_of_container() const;

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t depth_;
  char closing_ = '\0';
  State state_ = State::first;
};

}  // namespace postlude::runtime
