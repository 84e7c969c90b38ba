#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace postlude::extension {

/// Decodes what stands between the quotes of a JSON string, in pieces of any size. Keeps a few
/// bytes.
class JsonStringDecoder {
 public:
  /// Appends what these bytes stand for. After a broken escape or half a surrogate pair it appends
  /// nothing more.
  void add(std::string_view raw, std::string& out);

  /// Everything so far is well formed and nothing is half read. UTF-8 is not looked at.
  [[nodiscard]] bool complete() const { return state_ == State::text && high_ == 0; }

 private:
  enum class State { text, escape, unicode, broken };

  [[nodiscard]] std::string_view add_text(std::string_view raw, std::string& out);
  void add_escape(char c, std::string& out);
  void add_digit(char c, std::string& out);
  void add_unit(std::uint32_t unit, std::string& out);

  State state_ = State::text;
  int digits_ = 0;
  std::uint32_t unit_ = 0;
  std::uint32_t high_ = 0;  ///< first half of a pair whose second must follow at once
};

}  // namespace postlude::extension
