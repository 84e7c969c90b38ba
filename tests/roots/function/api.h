#pragma once

#include "tests/proof/plain_socket.h"

#include <string>
#include <string_view>

namespace postlude::testing {

/// A message of the other end; headers in lower case, "name: value" a line. Status 0: the
/// connection broke.
struct Received {
  int status = 0;
  std::string headers;
  std::string body;

  /// Empty if it is missing.
  [[nodiscard]] std::string header(std::string_view name) const;
};

/// One connection to an HTTP API of this machine, of which bodies with a Content-Length are
/// understood.
class Api {
 public:
  /// "host:port", or a URL that begins so; the host is this machine whatever it is called.
  explicit Api(std::string_view address);

  [[nodiscard]] Received get(std::string_view path);
  [[nodiscard]] Received post(std::string_view path, std::string_view body);
  /// A streamed answer: the head, pieces, the end with the other side's word.
  void begin_stream(std::string_view path);
  void send_piece(std::string_view bytes);
  [[nodiscard]] Received end_stream();

 private:
  [[nodiscard]] Received read();

  std::string host_;
  PlainSocket socket_;
};

}  // namespace postlude::testing
