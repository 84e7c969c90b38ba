#include "common/json_node.h"

#include "common/json_text.h"

#include <algorithm>

namespace postlude {
namespace {

void append(std::string& out, const JsonNode& node);

void append_items(std::string& out, const JsonNode& node) {
  const bool is_object = node.kind == JsonKind::object;
  out.push_back(is_object ? '{' : '[');
  bool first = true;
  for (const JsonNode& item : node.items) {
    if (!first) {
      out.push_back(',');
    }
    first = false;
    if (is_object) {
      append_json_string(out, item.key);
      out.push_back(':');
    }
    append(out, item);
  }
  out.push_back(is_object ? '}' : ']');
}

void append(std::string& out, const JsonNode& node) {
  switch (node.kind) {
    case JsonKind::null:
      out.append("null");
      break;
    case JsonKind::boolean:
      out.append(node.boolean ? "true" : "false");
      break;
    case JsonKind::number:
      out.append(node.text);
      break;
    case JsonKind::string:
      append_json_string(out, node.text);
      break;
    case JsonKind::array:
    case JsonKind::object:
      append_items(out, node);
      break;
  }
}

/// One character of a string as it is written, and how many bytes it stands for.
struct Written {
  std::size_t length = 1;
  std::size_t decoded = 1;
};

bool begins_with_escape_of(std::string_view text, std::string_view hex_digits) {
  return text.size() >= 6 && text.starts_with("\\u") &&
         hex_digits.find(text[2]) != std::string_view::npos;
}

Written character_at(std::string_view text) {
  if (text.front() != '\\') {
    std::size_t length = 1;
    while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U) {
      ++length;
    }
    return {length, length};
  }
  if (!begins_with_escape_of(text, "0123456789abcdefABCDEF")) {
    return {2, 1};
  }
  constexpr std::size_t kEscapeLength = 6;
  const bool in_d = begins_with_escape_of(text, "dD");
  if (in_d && text[3] >= '8') {  // the letters too: a pair of surrogates, as the parser saw to
    return {2 * kEscapeLength, 4};
  }
  if (text[2] == '0' && text[3] == '0' && text[4] < '8') {
    return {kEscapeLength, 1};
  }
  if (text[2] == '0' && text[3] < '8') {
    return {kEscapeLength, 2};
  }
  return {kEscapeLength, 3};
}

}  // namespace

std::string write_json(const JsonNode& node) {
  std::string out;
  append(out, node);
  return out;
}

TextPosition position_within(const JsonNode& string, std::size_t offset) {
  std::string_view rest = string.escaped.empty() ? string.text : string.escaped;
  TextPosition position = string.position;
  ++position.column;  // the quote
  std::size_t decoded = 0;
  while (!rest.empty()) {
    const Written character = character_at(rest);
    if (decoded + character.decoded > offset) {
      break;
    }
    decoded += character.decoded;
    position.column += rest.front() == '\\' ? character.length : 1;
    rest.remove_prefix(std::min(character.length, rest.size()));
  }
  return position;
}

const JsonNode* find_member(const JsonNode& object, std::string_view key) {
  const auto member = std::find_if(object.items.begin(),
                                   object.items.end(),
                                   [key](const JsonNode& item) { return item.key == key; });
  return member != object.items.end() ? &*member : nullptr;
}

}  // namespace postlude
