#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace postlude::extension {

/// Decodes base64 (standard alphabet; padding may be missing) in pieces of any size.
class Base64Decoder {
 public:
  /// Appends the whole bytes there are so far; nothing more once a character was wrong.
  void add(std::string_view text, std::string& out);

  /// Everything was base64 and no character is left over.
  [[nodiscard]] bool complete() const;

 private:
  enum class State { data, padding, broken };

  State state_ = State::data;
  std::uint32_t group_ = 0;
  unsigned bits_ = 0;  ///< of the group that are no byte yet
};

}  // namespace postlude::extension
