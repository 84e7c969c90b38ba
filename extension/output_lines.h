#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace postlude::extension {

/// Output of one attempt that is passed on; a program in a loop must not fill the log.
inline constexpr std::size_t kMostOutputBytes = std::size_t{64} << 10;

/// What one attempt may still write, on both of its streams together.
struct OutputAllowance {
  std::size_t left = kMostOutputBytes;
  std::uint64_t withheld = 0;  ///< bytes that were not passed on
};

/// Cuts a stream of output into lines, so that each is written at once and lines of two programs do
/// not mix. A line longer than kMaxLogLineBytes is passed on in pieces. The bytes are unchanged,
/// except that a last line without a line feed gets one. Pure.
class OutputLines {
 public:
  using Write = std::function<void(std::string_view)>;

  /// `write` gets one line with its line feed, or a piece of one.
  OutputLines(OutputAllowance& allowance, Write write)
      : allowance_(allowance), write_(std::move(write)) {}

  void add(std::string_view bytes);
  /// The stream has ended.
  void finish();

 private:
  void pass_on(std::string_view text);

  OutputAllowance& allowance_;
  Write write_;
  std::string partial_;  ///< of the current line, shorter than kMaxLogLineBytes
};

}  // namespace postlude::extension
