#pragma once

#include "common/http_head.h"
#include "runtime/streamed_result.h"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace postlude::runtime {

/// A buffered result on its way to a caller that gets a stream (POSTLUDE_RESPONSE_MODE=stream):
/// collected until it is whole, judged, and given out as the request that goes up. A shaped result
/// becomes prelude and body, anything else is streamed as it is, and a malformed one goes up as the
/// buffered result it was, with its own head. Knows no sockets.
///
/// What the platform would not take as a buffered result is not collected further: it goes up as it
/// comes, streamed as it is; or, where its beginning shows that it is a shaped one, which nobody
/// could interpret any more, buffered as it was, to be refused.
class CollectedAnswer {
 public:
  /// The platform's limit for buffered results (lambda-protocol.md 1.3), so that we hold no more
  /// than what may have to go up buffered.
  static constexpr std::size_t kMaxBytes = (std::size_t{6} << 20) + 100;

  /// `head`: of the request as it goes up in passthrough mode. Copied.
  explicit CollectedAnswer(std::string_view head);

  void append(std::string_view payload);
  /// The trailer section with its empty line.
  void trailers(std::string_view lines) { trailers_ = lines; }
  /// All of it is here.
  void end();

  /// Nothing of it may go up yet.
  [[nodiscard]] bool collecting() const { return !stream_; }
  /// The next bytes of the request, valid until the next call; the head comes with the first.
  /// Empty: more has to be appended first, or it is over.
  [[nodiscard]] std::string_view next();
  [[nodiscard]] bool over() const { return stream_ && head_.empty() && stream_->over(); }

 private:
  void make_room(std::size_t size);
  void give_out(ResultReading reading);

  std::string head_;  ///< the runtime's while collecting, then the one that goes up
  std::string text_;
  std::string trailers_ = "\r\n";
  std::unique_ptr<StreamedResult> stream_;
  std::string first_;
};

}  // namespace postlude::runtime
