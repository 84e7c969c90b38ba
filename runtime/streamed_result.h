#pragma once

#include "runtime/body_decoder.h"
#include "runtime/shaped_result.h"

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace postlude::runtime {

/// A result as the body of the request that takes it to the platform, in pieces. The result is held
/// once; beside it there is one piece. Pure.
class StreamedResult {
 public:
  /// As much as the relay handles at a time.
  static constexpr std::size_t kMaxPiece = std::size_t{64} << 10;

  enum class Framing {
    chunked,
    unframed,  ///< for a head that says Content-Length
  };

  /// Prelude and body of a shaped result; of any other the text as it is.
  StreamedResult(std::string text, ResultReading reading, Framing framing);
  StreamedResult(const StreamedResult&) = delete;
  StreamedResult& operator=(const StreamedResult&) = delete;
  ~StreamedResult() = default;

  /// More text of a result that is not shaped.
  void append(std::string_view text);
  /// Nothing more comes. `trailers` are the lines of the trailer section with its empty line.
  void end(std::string_view trailers = "\r\n");

  /// The next bytes, valid until the next call; at most kMaxPiece. Empty: all there is was given.
  /// The last chunk comes with the last bytes of the body where they leave room for it.
  [[nodiscard]] std::string_view next();
  /// Everything was given, the end included.
  [[nodiscard]] bool over() const { return ended_ && !pending() && tail_at_ == tail_.size(); }

 private:
  [[nodiscard]] bool pending() const;
  [[nodiscard]] std::size_t fill(std::span<char> out);

  std::string text_;
  std::size_t text_at_ = 0;  ///< of a result that is not shaped
  std::string prelude_;
  std::size_t prelude_at_ = 0;
  std::optional<BodyDecoder> body_;  ///< of a shaped one; views text_
  Framing framing_;
  std::string tail_;  ///< the last chunk and the trailers
  std::size_t tail_at_ = 0;
  bool ended_ = false;
  std::array<char, kMaxPiece> piece_ = {};
};

}  // namespace postlude::runtime
