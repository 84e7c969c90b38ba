#include "runtime/json_walk.h"

#include "common/json_text.h"

#include <algorithm>
#include <array>

namespace postlude::runtime {
namespace {

constexpr std::size_t kInvalid = std::string_view::npos;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// Bytes of the escape at the start of `text`; 0: it is none.
std::size_t escape_size(std::string_view text) {
  constexpr std::size_t kUnicodeEscape = 6;  // \u12ab
  if (text.size() < 2) {
    return 0;
  }
  if (text[1] != 'u') {
    return std::string_view("\"\\/bfnrt").find(text[1]) == std::string_view::npos ? 0 : 2;
  }
  const std::string_view digits = text.substr(2, 4);
  return digits.size() == 4 && std::all_of(digits.begin(), digits.end(), is_hex) ? kUnicodeEscape
                                                                                 : 0;
}

/// A well-formed sequence by its first byte (RFC 3629, section 4).
struct Sequence {
  unsigned char first = 0;
  unsigned char last = 0;
  unsigned char second_first = 0;
  unsigned char second_last = 0;
  std::size_t size = 0;
};

constexpr std::array<Sequence, 8> kSequences{{
    {0xc2, 0xdf, 0x80, 0xbf, 2},
    {0xe0, 0xe0, 0xa0, 0xbf, 3},
    {0xe1, 0xec, 0x80, 0xbf, 3},
    {0xed, 0xed, 0x80, 0x9f, 3},
    {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4},
    {0xf1, 0xf3, 0x80, 0xbf, 4},
    {0xf4, 0xf4, 0x80, 0x8f, 4},
}};

/// Bytes of the character beyond ASCII at the start of `text`; 0: it is not UTF-8.
std::size_t character_size(std::string_view text) {
  const auto byte = [text](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const auto* const found =
      std::find_if(kSequences.begin(), kSequences.end(), [lead = byte(0)](const Sequence& entry) {
        return lead >= entry.first && lead <= entry.last;
      });
  if (found == kSequences.end() || text.size() < found->size || byte(1) < found->second_first ||
      byte(1) > found->second_last) {
    return 0;
  }
  const std::string_view others = text.substr(2, found->size - 2);
  const bool continued = std::all_of(others.begin(), others.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U;
  });
  return continued ? found->size : 0;
}

/// Behind the closing quote of the string that begins at `at`.
std::size_t end_of_string(std::string_view text, std::size_t at) {
  constexpr unsigned char kSpace = 0x20;
  constexpr unsigned char kAscii = 0x7f;
  ++at;
  while (at < text.size()) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c == '"') {
      return at + 1;
    }
    std::size_t size = c < kSpace ? 0 : 1;
    if (c == '\\') {
      size = escape_size(text.substr(at, 6));
    } else if (c > kAscii) {
      size = character_size(text.substr(at, 4));
    }
    if (size == 0) {
      return kInvalid;
    }
    at += size;
  }
  return kInvalid;
}

std::size_t skip_digits(std::string_view text, std::size_t at) {
  while (at < text.size() && is_digit(text[at])) {
    ++at;
  }
  return at;
}

std::size_t end_of_number(std::string_view text, std::size_t at) {
  const auto at_char = [&](std::string_view any) {
    return at < text.size() && any.find(text[at]) != std::string_view::npos;
  };
  at += at_char("-") ? 1U : 0U;
  std::size_t digits = at;
  at = at_char("0") ? at + 1 : skip_digits(text, at);
  bool valid = at > digits;
  if (at_char(".")) {
    digits = ++at;
    at = skip_digits(text, at);
    valid = valid && at > digits;
  }
  if (at_char("eE")) {
    ++at;
    at += at_char("+-") ? 1U : 0U;
    digits = at;
    at = skip_digits(text, at);
    valid = valid && at > digits;
  }
  return valid ? at : kInvalid;
}

std::size_t end_of_word(std::string_view text, std::size_t at, std::string_view word) {
  return text.substr(at, word.size()) == word ? at + word.size() : kInvalid;
}

}  // namespace

JsonWalk::JsonWalk(std::string_view text, std::size_t depth) : text_(text), depth_(depth) {
  skip_space();
  if (depth_ < kMaxJsonDepth && take('{')) {
    closing_ = '}';
  } else if (depth_ < kMaxJsonDepth && take('[')) {
    closing_ = ']';
  } else {
    state_ = State::invalid;
  }
}

std::optional<JsonMember> JsonWalk::next() {
  if (state_ == State::closed || state_ == State::invalid) {
    return std::nullopt;
  }
  skip_space();
  if (take(closing_)) {
    state_ = State::closed;
    return std::nullopt;
  }
  const bool separated = state_ == State::first || take(',');
  state_ = State::invalid;
  JsonMember member;
  if (separated && over_object()) {
    const auto key = take_key();
    if (!key) {
      return std::nullopt;
    }
    member.key = *key;
  }
  const auto value = separated ? take_value() : std::nullopt;
  if (!value) {
    return std::nullopt;
  }
  member.value = *value;
  state_ = State::later;
  return member;
}

bool JsonWalk::closed_at_end() const {
  return closed() && text_.find_first_not_of(" \t\r\n", at_) == std::string_view::npos;
}

bool JsonWalk::take(char c) {
  if (at_ >= text_.size() || text_[at_] != c) {
    return false;
  }
  ++at_;
  return true;
}

void JsonWalk::skip_space() {
  at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size());
}

std::optional<std::string_view> JsonWalk::take_key() {
  skip_space();
  const std::size_t begin = at_;
  if (!take('"')) {
    return std::nullopt;
  }
  const std::size_t end = end_of_string(text_, begin);
  if (end == kInvalid) {
    return std::nullopt;
  }
  at_ = end;
  skip_space();
  return take(':') ? std::optional(text_.substr(begin, end - begin)) : std::nullopt;
}

std::optional<JsonPart> JsonWalk::take_value() {
  skip_space();
  const std::size_t begin = at_;
  JsonKind kind = JsonKind::number;
  std::size_t end = kInvalid;
  switch (begin < text_.size() ? text_[begin] : '\0') {
    case '"':
      kind = JsonKind::string;
      end = end_of_string(text_, begin);
      break;
    case '{':
    case '[':
      kind = text_[begin] == '{' ? JsonKind::object : JsonKind::array;
      end = end_of_container();
      break;
    case 't':
    case 'f':
      kind = JsonKind::boolean;
      end = end_of_word(text_, begin, text_[begin] == 't' ? "true" : "false");
      break;
    case 'n':
      kind = JsonKind::null;
      end = end_of_word(text_, begin, "null");
      break;
    default:
      end = end_of_number(text_, begin);
  }
  if (end == kInvalid) {
    return std::nullopt;
  }
  at_ = end;
  return JsonPart{kind, text_.substr(begin, end - begin)};
}

/// Recurses, at most kMaxJsonDepth deep.
std::size_t JsonWalk::end_of_container() const {
  JsonWalk inner(text_.substr(at_), depth_ + 1);
  while (inner.next()) {
  }
  return inner.closed() ? at_ + inner.position() : kInvalid;
}

}  // namespace postlude::runtime
