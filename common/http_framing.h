#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace postlude {

enum class MessageKind { request, response };

enum class FramingEvent {
  need_more,  ///< nothing can be told until more bytes are there
  head,       ///< one whole head, from the start line to the empty line
  framing,    ///< bytes that carry no payload: chunk size lines, line ends after chunks
  payload,    ///< bytes of the body
  trailers,   ///< the whole trailer section with its empty line (often just CRLF)
  end,        ///< consumes nothing: the message is complete, the next call begins the next one
  invalid,    ///< not HTTP/1.x, ambiguous, or over a limit; the connection is of no more use
};

struct FramingStep {
  FramingEvent event = FramingEvent::need_more;
  std::size_t consumed = 0;
};

/// Finds where heads, chunks, trailers and messages end in a stream of HTTP/1.x bytes (RFC 9112),
/// so that the bytes themselves can be passed on untouched. Pure: it keeps a few counters and no
/// bytes. One object a direction of a connection; any thread, one at a time.
///
/// The caller keeps a buffer and calls next() with all bytes not consumed yet until it answers
/// need_more; then it reads more. Heads, chunk size lines and trailers are reported whole, body
/// bytes as they come.
///
/// Refused, because two parties could read them differently: Content-Length beside
/// Transfer-Encoding, differing or malformed Content-Length, a transfer coding that does not end in
/// "chunked" on a request, a line feed without carriage return, a colonless field line, white space
/// before a field name's colon, and folded lines.
class HttpFraming {
 public:
  /// Runtimes were seen to pass header values of 600 KiB (client context, X-Ray cause).
  static constexpr std::size_t kMaxHeadBytes = std::size_t{2} << 20;
  /// The error body travels here, base64 of a JSON error with its stack trace.
  static constexpr std::size_t kMaxTrailerBytes = std::size_t{1} << 20;
  static constexpr std::size_t kMaxChunkLineBytes = 4096;

  explicit HttpFraming(MessageKind kind) : kind_(kind) {}

  [[nodiscard]] FramingStep next(std::string_view input);

  /// Before the head of a response is read: it answers a HEAD request, so no body follows the final
  /// head.
  void expect_no_body() { no_body_ = true; }

  /// True where the peer may close without cutting a message: between two messages with nothing
  /// unread, or in a body that only the end of the connection ends.
  [[nodiscard]] bool may_close() const {
    return state_ == State::head || state_ == State::until_close;
  }
  /// True from the end of a head to the end of its message.
  [[nodiscard]] bool in_message() const { return state_ != State::head; }
  /// The body of the current message comes in chunks.
  [[nodiscard]] bool chunked() const { return chunked_; }

 private:
  enum class State {
    head,
    sized,
    chunk_size,
    chunk_data,
    chunk_end,
    trailers,
    until_close,
    done,
    invalid
  };

  FramingStep next_head(std::string_view input);
  FramingStep next_sized(std::string_view input, State after);
  FramingStep next_chunk_size(std::string_view input);
  FramingStep next_chunk_end(std::string_view input);
  FramingStep next_trailers(std::string_view input);
  FramingStep refuse();
  State body_state(std::string_view head);

  MessageKind kind_;
  State state_ = State::head;
  bool no_body_ = false;
  bool interim_ = false;  ///< the head announced another one (100 Continue)
  bool chunked_ = false;
  std::uint64_t remaining_ = 0;
  std::size_t scanned_ = 0;  ///< of an incomplete head or trailer section
};

}  // namespace postlude
