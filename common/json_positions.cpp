#include "common/json_positions.h"

#include "common/json_text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace postlude {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
/// What may stand between two tokens that the parser took.
constexpr std::string_view kBetweenTokens = " \t\n\r,:";

/// Walks the text once, front to back, and knows the position of where it is.
class TextCursor {
 public:
  explicit TextCursor(std::string_view text)
      : text_(text), offset_(text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0) {}

  [[nodiscard]] std::size_t offset() const { return offset_; }
  [[nodiscard]] TextPosition position() const { return position_; }
  [[nodiscard]] std::string_view rest() const { return text_.substr(offset_); }

  void advance_to(std::size_t offset) {
    for (const std::size_t end = std::min(offset, text_.size()); offset_ < end; ++offset_) {
      if (text_[offset_] == '\n') {
        ++position_.line;
        position_.column = 1;
      } else if ((static_cast<unsigned char>(text_[offset_]) & 0xC0U) != 0x80U) {
        ++position_.column;
      }
    }
  }

  /// To the next token, given that the parser accepted everything before it.
  void advance_to_token() {
    advance_to(std::min(text_.find_first_not_of(kBetweenTokens, offset_), text_.size()));
  }

 private:
  std::string_view text_;
  std::size_t offset_ = 0;
  TextPosition position_;
};

/// Length of the string token, quotes included, at the front of `rest`.
std::size_t string_length(std::string_view rest) {
  std::size_t at = 1;
  while (at < rest.size() && rest[at] != '"') {
    at += rest[at] == '\\' ? 2U : 1U;
  }
  return at + 1;
}

std::size_t digits_end(std::string_view rest, std::size_t at) {
  return std::min(rest.find_first_not_of("0123456789", at), rest.size());
}

/// Length of the number at the front of `rest`, which the parser took. What follows may look like a
/// part of it: "01" is two numbers.
std::size_t number_length(std::string_view rest) {
  std::size_t at = rest.starts_with('-') ? 1 : 0;
  at = rest[at] == '0' ? at + 1 : digits_end(rest, at);
  if (at < rest.size() && rest[at] == '.') {
    at = digits_end(rest, at + 1);
  }
  if (at < rest.size() && (rest[at] == 'e' || rest[at] == 'E')) {
    const bool has_sign = at + 1 < rest.size() && (rest[at + 1] == '+' || rest[at + 1] == '-');
    at = digits_end(rest, at + (has_sign ? 2U : 1U));
  }
  return at;
}

/// The events carry no positions, but they come in the order of the text: the start of each token
/// is found by walking from the end of the one before.
class TreeBuilder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit TreeBuilder(std::string_view text) : cursor_(text) {}

  bool null() override { return add_scalar(JsonNode{.kind = JsonKind::null}, 4); }
  bool boolean(bool value) override {
    return add_scalar(JsonNode{.kind = JsonKind::boolean, .boolean = value}, value ? 4 : 5);
  }
  bool number_integer(number_integer_t /*value*/) override { return add_number(); }
  bool number_unsigned(number_unsigned_t /*value*/) override { return add_number(); }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override {
    return add_number();
  }
  bool string(string_t& value) override {
    cursor_.advance_to_token();
    const std::size_t length = string_length(cursor_.rest());
    JsonNode node{.kind = JsonKind::string, .text = std::move(value)};
    const std::string_view written = cursor_.rest().substr(1, length - 2);
    if (written.find('\\') != std::string_view::npos) {
      node.escaped = written;
    }
    return add_scalar(std::move(node), length);
  }
  bool binary(binary_t& /*value*/) override { return false; }  // not in JSON text

  bool start_object(std::size_t /*size*/) override { return open(JsonKind::object); }
  bool start_array(std::size_t /*size*/) override { return open(JsonKind::array); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& value) override {
    cursor_.advance_to_token();
    key_ = std::move(value);
    key_position_ = cursor_.position();
    cursor_.advance_to(cursor_.offset() + string_length(cursor_.rest()));
    return true;
  }

  bool parse_error(std::size_t bytes_read,
                   const std::string& /*last_token*/,
                   const nlohmann::json::exception& error) override {
    const std::string reason = json_error_reason(error.what());
    // At the character that was read last: a bracket, comma or colon that may not stand there, the
    // end of the text, or an error inside a string. Else at the start of the token.
    const bool inside_string =
        reason.starts_with("invalid string") && !reason.ends_with("missing closing quote");
    if (inside_string || reason.starts_with("unexpected '") ||
        reason.starts_with("unexpected end of input")) {
      cursor_.advance_to(bytes_read - std::min<std::size_t>(1, bytes_read));
    } else {
      cursor_.advance_to_token();
    }
    return refuse("not valid JSON: " + reason);
  }

  tl::expected<JsonNode, JsonProblem> take() {
    if (problem_.message.empty()) {
      return std::move(root_);
    }
    return tl::unexpected<JsonProblem>(std::move(problem_));
  }

 private:
  bool refuse(std::string message) {
    problem_ = JsonProblem{cursor_.position(), std::move(message)};
    return false;
  }

  bool add_number() {
    cursor_.advance_to_token();
    const std::string_view text = cursor_.rest().substr(0, number_length(cursor_.rest()));
    return add_scalar(JsonNode{.kind = JsonKind::number, .text = std::string(text)}, text.size());
  }

  bool add_scalar(JsonNode node, std::size_t length) {
    cursor_.advance_to_token();
    const bool added = add(std::move(node)) != nullptr;
    cursor_.advance_to(cursor_.offset() + length);
    return added;
  }

  bool open(JsonKind kind) {
    cursor_.advance_to_token();
    if (open_.size() == kMaxPositionedJsonDepth) {
      return refuse("nested deeper than " + std::to_string(kMaxPositionedJsonDepth) + " levels");
    }
    JsonNode* const node = add(JsonNode{.kind = kind});
    if (node == nullptr) {
      return false;
    }
    open_.push_back(node);
    cursor_.advance_to(cursor_.offset() + 1);
    return true;
  }

  bool close() {
    cursor_.advance_to_token();
    cursor_.advance_to(cursor_.offset() + 1);
    open_.pop_back();
    return true;
  }

  /// Nothing if there are too many. The address holds until the enclosing value gets another child,
  /// and by then this one is closed.
  JsonNode* add(JsonNode node) {
    if (++values_ > kMaxPositionedJsonValues) {
      refuse("more than " + std::to_string(kMaxPositionedJsonValues) + " values");
      return nullptr;
    }
    node.position = cursor_.position();
    if (open_.empty()) {
      root_ = std::move(node);
      return &root_;
    }
    JsonNode& parent = *open_.back();
    if (parent.kind == JsonKind::object) {
      node.key = std::move(key_);
      node.key_position = key_position_;
    }
    return &parent.items.emplace_back(std::move(node));
  }

  TextCursor cursor_;
  JsonNode root_;
  std::vector<JsonNode*> open_;
  std::string key_;
  TextPosition key_position_;
  std::size_t values_ = 0;
  JsonProblem problem_;
};

tl::unexpected<JsonProblem> problem_at(std::string_view text,
                                       std::size_t offset,
                                       std::string message) {
  TextCursor cursor(text);
  cursor.advance_to(offset);
  return tl::unexpected<JsonProblem>(JsonProblem{cursor.position(), std::move(message)});
}

}  // namespace

tl::expected<JsonNode, JsonProblem> parse_positioned_json(std::string_view text) {
  if (text.size() > kMaxPositionedJsonBytes) {
    return problem_at(
        text, 0, "longer than " + std::to_string(kMaxPositionedJsonBytes / 1024) + " KiB");
  }
  if (text.find_first_not_of(" \t\n\r") == std::string_view::npos) {
    return problem_at(text, 0, "not valid JSON: empty");
  }
  // The library takes a NUL byte for the end of its input.
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    return problem_at(text, nul, "not valid JSON: NUL byte");
  }
  TreeBuilder builder(text);
  nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
  return builder.take();
}

std::string_view describe(const JsonNode& node) {
  switch (node.kind) {
    case JsonKind::null:
      return "null";
    case JsonKind::boolean:
      return node.boolean ? "true" : "false";
    case JsonKind::number:
      return "a number";
    case JsonKind::string:
      return "a string";
    case JsonKind::array:
      return "an array";
    case JsonKind::object:
      return "an object";
  }
  return "";
}

}  // namespace postlude
