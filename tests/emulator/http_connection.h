#pragma once

#include "common/error.h"
#include "common/http_framing.h"
#include "common/unique_fd.h"

#include <atomic>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace postlude::emulator {

/// The server's end of one HTTP/1.1 connection, read as bytes, so that headers, trailers, cut
/// messages and dead peers are seen as they are. One thread uses it; shut() and idle() may come
/// from any other.
class HttpConnection {
 public:
  explicit HttpConnection(UniqueFd socket);

  /// Blocks for the next request. The view is valid until the next read. ErrorCode::closed: the
  /// peer ended the connection between two messages; anything else: it is of no more use.
  [[nodiscard]] Result<std::string_view> read_head();

  /// The next piece of the body, nothing at its end. The view is valid until the next read.
  /// ErrorCode::closed: the peer cut the message; failed: it is malformed. Sends "100 Continue"
  /// first if the request expects it.
  [[nodiscard]] Result<std::optional<std::string_view>> read_body();

  /// Breaks the connection once the body being read had that many bytes: its reader gets those and
  /// then ErrorCode::closed.
  void break_after(std::size_t body_bytes) { breaks_after_ = body_bytes; }

  /// The trailer section of the message read last, field lines.
  [[nodiscard]] std::string_view trailers() const { return trailers_; }
  [[nodiscard]] bool in_message() const { return framing_.in_message(); }
  /// The peer asked for it, or speaks HTTP/1.0 without keep-alive.
  [[nodiscard]] bool close_after() const { return close_after_; }

  [[nodiscard]] Result<void> write(std::string_view bytes);

  /// True if the peer closed or reset; consumes nothing.
  [[nodiscard]] bool peer_gone() const;
  [[nodiscard]] int fd() const { return socket_.get(); }

  /// Ends the sending side and drops what still arrives, so that the peer gets to read the answer
  /// to a message it was still sending. Bounded by kLingerTime.
  void close_gently();

  /// Wakes the owner out of any read or write for good.
  void shut();
  /// The owner answers when something happens elsewhere; until its next read that counts as idle.
  void park() { waiting_ = true; }
  /// Waits for a request, or parked; nothing is unread.
  [[nodiscard]] bool idle() const;

 private:
  [[nodiscard]] Result<void> receive();
  void remember_head(std::string_view bytes);

  UniqueFd socket_;
  HttpFraming framing_{MessageKind::request};
  std::string buffer_;
  std::size_t used_ = 0;  ///< of buffer_
  std::string head_;
  std::string trailers_;
  bool expects_continue_ = false;
  bool close_after_ = false;
  std::optional<std::size_t> breaks_after_;
  std::atomic<bool> waiting_ = false;
};

}  // namespace postlude::emulator
