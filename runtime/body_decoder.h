#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace postlude::runtime {

/// Undoes the encodings of a result's body while it passes: JSON escapes become UTF-8, and base64
/// becomes bytes. It views the string and keeps no bytes of it. Pure.
class BodyDecoder {
 public:
  enum class Form { text, base64 };
  /// Room for less than this is not used: no character is split between two reads.
  static constexpr std::size_t kLeastRoom = 4;

  /// `string` is what stands between the quotes of a JSON string that JsonWalk found grammatical.
  BodyDecoder(std::string_view string, Form form) : rest_(string), form_(form) {}

  /// Writes to the front of `out`, which has at least kLeastRoom bytes; how many. It may leave up
  /// to kLeastRoom - 1 bytes of room before the end.
  [[nodiscard]] std::size_t read(std::span<char> out);

  /// Everything was read, or it failed.
  [[nodiscard]] bool ended() const { return rest_.empty() || failed_; }
  /// A lone surrogate, which no UTF-8 can say, or not base64: the standard alphabet, padded in full
  /// or not at all, nothing else in between. Known for sure once ended.
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  [[nodiscard]] std::size_t read_text(std::span<char> out);
  [[nodiscard]] std::size_t read_base64(std::span<char> out);
  [[nodiscard]] char take_ascii();
  void check_padding();

  std::string_view rest_;
  Form form_;
  bool failed_ = false;
  // Of base64:
  std::uint32_t group_ = 0;
  std::size_t symbols_ = 0;
  std::size_t padding_ = 0;
};

/// It can be read to its end without failing.
[[nodiscard]] bool decodes(std::string_view string, BodyDecoder::Form form);

}  // namespace postlude::runtime
