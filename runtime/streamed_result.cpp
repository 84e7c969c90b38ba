#include "runtime/streamed_result.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace postlude::runtime {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::size_t kSizeLine = 6;  // a piece's size has at most four hexadecimal digits
constexpr std::size_t kLastChunk = 5;

/// Copies what fits of the rest of `from`, which begins at `at`.
std::size_t take(std::string_view from, std::size_t& at, std::span<char> out) {
  const std::size_t size = std::min(from.size() - at, out.size());
  std::memcpy(out.data(), from.data() + at, size);
  at += size;
  return size;
}

}  // namespace

StreamedResult::StreamedResult(std::string text, ResultReading reading, Framing framing)
    : text_(std::move(text)), prelude_(std::move(reading.prelude)), framing_(framing) {
  if (reading.verdict == ResultReading::Verdict::shaped) {
    body_.emplace(std::string_view(text_).substr(reading.body_at, reading.body_size), reading.form);
  }
}

void StreamedResult::append(std::string_view text) {
  assert(!body_ && !ended_);
  if (text_at_ == text_.size()) {
    // What was given may have been megabytes.
    std::string().swap(text_);
    text_at_ = 0;
  }
  text_.append(text);
}

void StreamedResult::end(std::string_view trailers) {
  ended_ = true;
  if (framing_ == Framing::chunked) {
    tail_.append("0\r\n").append(trailers);
  }
}

std::string_view StreamedResult::next() {
  const std::span<char> piece(piece_);
  std::size_t from = kSizeLine;
  std::size_t to = kSizeLine;
  const std::size_t size =
      fill(piece.subspan(kSizeLine, kMaxPiece - kSizeLine - kLineEnd.size() - kLastChunk));
  to += size;
  if (size > 0 && framing_ == Framing::chunked) {
    const std::string line = fmt::format("{:x}\r\n", size);
    from -= line.size();
    std::memcpy(piece_.data() + from, line.data(), line.size());
    std::memcpy(piece_.data() + to, kLineEnd.data(), kLineEnd.size());
    to += kLineEnd.size();
  }
  if (ended_ && !pending()) {
    to += take(tail_, tail_at_, piece.subspan(to));
  }
  return {piece.data() + from, to - from};
}

bool StreamedResult::pending() const {
  return prelude_at_ < prelude_.size() || (body_ ? !body_->ended() : text_at_ < text_.size());
}

std::size_t StreamedResult::fill(std::span<char> out) {
  std::size_t size = take(prelude_, prelude_at_, out);
  if (!body_) {
    return size + take(text_, text_at_, out.subspan(size));
  }
  while (!body_->ended() && out.size() - size >= BodyDecoder::kLeastRoom) {
    size += body_->read(out.subspan(size));
  }
  return size;
}

}  // namespace postlude::runtime
