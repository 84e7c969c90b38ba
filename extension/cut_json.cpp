#include "extension/cut_json.h"

#include "common/json_text.h"
#include "extension/text_encoding.h"

#include <cstddef>

namespace postlude::extension {
namespace {

constexpr std::size_t kEscapeBytes = 6;  // \u12ab

/// Bytes of the escape at the start of `text`, both halves of a surrogate pair as one; 0 if the
/// text ends before it does.
std::size_t escape_bytes(std::string_view text) {
  if (text.size() < 2) {
    return 0;
  }
  if (text[1] != 'u') {
    return 2;
  }
  if (text.size() < kEscapeBytes) {
    return 0;
  }
  const bool high_surrogate =
      (text[2] == 'd' || text[2] == 'D') && std::string_view("89abAB").find(text[3]) != text.npos;
  if (!high_surrogate) {
    return kEscapeBytes;
  }
  return text.size() < 2 * kEscapeBytes ? 0 : 2 * kEscapeBytes;
}

struct StringEnd {
  bool complete = false;
  std::size_t end = 0;  ///< behind the closing quote, or where a usable prefix ends
};

/// `from` is behind the opening quote.
StringEnd find_string_end(std::string_view text, std::size_t from) {
  for (std::size_t at = from; at < text.size();) {
    if (text[at] == '"') {
      return {true, at + 1};
    }
    const std::size_t size = text[at] == '\\' ? escape_bytes(text.substr(at)) : 1;
    if (size == 0) {
      return {false, at};
    }
    at += size;
  }
  return {false, without_cut_character(text).size()};
}

class Completion {
 public:
  explicit Completion(std::string_view cut) : cut_(cut) {}

  [[nodiscard]] std::string result() {
    while (at_ < cut_.size()) {
      if (brackets_.size() > kMaxJsonDepth) {
        return std::string(cut_);  // refused by the parser in any form
      }
      const char c = cut_[at_];
      if (c == '"') {
        if (!take_string()) {
          break;
        }
      } else {
        take_other(c);
      }
    }
    return std::string(cut_.substr(0, safe_)).append(close_).append(brackets_at_safe_);
  }

 private:
  [[nodiscard]] bool in_object() const { return !brackets_.empty() && brackets_.front() == '}'; }

  /// False where the cut lies in it.
  bool take_string() {
    const StringEnd string = find_string_end(cut_, at_ + 1);
    const bool is_key = in_object() && !value_next_;
    if (!string.complete) {
      if (!is_key) {
        keep_up_to(string.end);
        close_ = "\"";
      }
      return false;
    }
    at_ = string.end;
    if (!is_key) {
      keep_up_to(at_);
    }
    return true;
  }

  void take_other(char c) {
    ++at_;
    if (c == '{' || c == '[') {
      brackets_.insert(brackets_.begin(), c == '{' ? '}' : ']');
      value_next_ = false;
      keep_up_to(at_);
    } else if (c == '}' || c == ']') {
      if (!brackets_.empty()) {
        brackets_.erase(brackets_.begin());
      }
      keep_up_to(at_);
    } else if (c == ':') {
      value_next_ = true;
    } else if (c == ',') {
      // What stands before it is complete: a number or a word is known to have ended only here.
      keep_up_to(at_ - 1);
      value_next_ = false;
    }
  }

  /// Everything before `end` is a complete text once brackets_ follow.
  void keep_up_to(std::size_t end) {
    safe_ = end;
    brackets_at_safe_ = brackets_;
  }

  std::string_view cut_;
  std::size_t at_ = 0;
  std::string brackets_;  ///< that close what is open, innermost first
  bool value_next_ = false;
  std::size_t safe_ = 0;
  std::string brackets_at_safe_;
  std::string_view close_;
};

}  // namespace

std::string complete_cut_json(std::string_view cut) {
  return Completion(cut).result();
}

}  // namespace postlude::extension
