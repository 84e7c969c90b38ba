#pragma once

#include "common/unique_fd.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace postlude::testing {

/// Waits until the descriptor can be read; false after half a minute.
[[nodiscard]] bool wait_readable(int fd);

/// The platform's side of the Extensions API, played by hand on raw sockets: the test reads what
/// the extension asked and writes what the platform answers, byte by byte if it likes.
class ScriptedPlatform {
 public:
  ScriptedPlatform();

  /// host:port
  [[nodiscard]] std::string address() const;

  /// The next request, head and body, from the open connection or a new one. Fails the test if
  /// none comes.
  std::string next_request();
  /// Something of a request has come on the open connection; it stays unread.
  void await_bytes();
  /// True if bytes of a request are there; takes a connection that waits.
  [[nodiscard]] bool has_request();

  void send(std::string_view bytes) const;
  void answer(int status, std::string_view body, std::string_view more_fields = "") const;
  void accept_registration();
  void refuse_registration();
  void send_invoke(std::string_view request_id) const;
  void expect_poll();
  void close_connection() { connection_.reset(); }
  /// New connections are refused from now on.
  void stop_listening() { listener_.reset(); }

 private:
  UniqueFd listener_;
  std::uint16_t port_ = 0;
  UniqueFd connection_;
};

}  // namespace postlude::testing
