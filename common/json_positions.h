#pragma once

#include <tl/expected.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace postlude {

/// Both count from 1. Lines end at a line feed; columns count code points, not bytes, so that they
/// agree with what an editor shows. A byte order mark at the start has no column.
struct TextPosition {
  std::size_t line = 1;
  std::size_t column = 1;

  friend bool operator==(const TextPosition&, const TextPosition&) = default;
  friend bool operator<(const TextPosition& left, const TextPosition& right) {
    return std::tie(left.line, left.column) < std::tie(right.line, right.column);
  }
};

enum class JsonKind { null, boolean, number, string, array, object };

/// A JSON value that knows where it stands. Duplicate keys are kept, in the order of the text.
struct JsonNode {
  JsonKind kind = JsonKind::null;
  TextPosition position = {};        ///< of the first character of the value
  bool boolean = false;              ///< of a boolean
  std::string text = {};             ///< of a string: decoded; of a number: as written
  std::vector<JsonNode> items = {};  ///< of an array: elements; of an object: members
  std::string key = {};              ///< of a member: decoded
  TextPosition key_position = {};    ///< of a member: of the key's opening quote
  /// Of a string with escapes: what stands between its quotes; else empty.
  std::string escaped = {};
};

struct JsonProblem {
  TextPosition position;
  std::string message;
};

/// A file that a person writes by hand; larger is a mistake (and a tree costs many times the text).
inline constexpr std::size_t kMaxPositionedJsonBytes = std::size_t{256} << 10;
/// A tree node takes some 180 bytes, and a function may have as little as 128 MB.
inline constexpr std::size_t kMaxPositionedJsonValues = 32768;
/// Bounds recursion over the tree.
inline constexpr std::size_t kMaxPositionedJsonDepth = 64;

/// Like parse_json, and refuses texts over these limits. The message never repeats the text.
/// Throws nothing.
[[nodiscard]] tl::expected<JsonNode, JsonProblem> parse_positioned_json(std::string_view text);

/// "null", "true", "a number", "a string", "an array", "an object": for messages.
[[nodiscard]] std::string_view describe(const JsonNode& node);

}  // namespace postlude
