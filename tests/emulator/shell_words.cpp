#include "tests/emulator/runtime_choice.h"

#include <string_view>

namespace postlude::emulator {
namespace {

/// Splits one line; a state machine over its characters.
class WordSplitter {
 public:
  void take(char c) {
    if (escaped_) {
      escaped_ = false;
      if (quote_ == '"' && kEscapable.find(c) == std::string_view::npos) {
        put('\\');
      }
      put(c);
    } else if (c == '\\' && quote_ != '\'') {
      escaped_ = true;
    } else if (quote_ != '\0') {
      c == quote_ ? end_quote() : put(c);
    } else if (c == '\'' || c == '"') {
      quote_ = c;
      in_word_ = true;
    } else if (c == ' ' || c == '\t' || c == '\n') {
      end_word();
    } else {
      put(c);
    }
  }

  Result<std::vector<std::string>> finish() {
    if (quote_ != '\0' || escaped_) {
      return fail("a quote or backslash is left open");
    }
    end_word();
    return std::move(words_);
  }

 private:
  /// Within double quotes a backslash is itself before anything else.
  static constexpr std::string_view kEscapable = "\"\\$`";

  void put(char c) {
    word_.push_back(c);
    in_word_ = true;
  }
  void end_quote() { quote_ = '\0'; }
  void end_word() {
    if (in_word_) {
      words_.push_back(word_);
    }
    word_.clear();
    in_word_ = false;
  }

  std::vector<std::string> words_;
  std::string word_;
  char quote_ = '\0';
  bool in_word_ = false;
  bool escaped_ = false;
};

}  // namespace

Result<std::vector<std::string>> shell_words(const std::string& line) {
  WordSplitter splitter;
  for (const char c : line) {
    splitter.take(c);
  }
  return splitter.finish();
}

}  // namespace postlude::emulator
