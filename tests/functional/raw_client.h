#pragma once

#include "common/unique_fd.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postlude::testing {

/// An HTTP/1.1 answer as a judge sees it: nothing joined, decoded or reordered.
struct RawResponse {
  int status = 0;
  std::string head;  ///< with the empty line
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;  ///< chunks put together
  std::string trailers;
  bool chunked = false;
  bool cut = false;  ///< the connection ended before the message did

  /// The first of that name, in any case.
  [[nodiscard]] std::optional<std::string> header(std::string_view name) const;
};

/// One TCP connection to 127.0.0.1, written and read as bytes, with a parser of its own. A read
/// gives up after kPatience by throwing std::runtime_error: tests wait for bytes, never for time.
class RawClient {
 public:
  static constexpr int kPatienceMs = 60'000;

  explicit RawClient(std::uint16_t port);
  /// "127.0.0.1:PORT" or "http://127.0.0.1:PORT"
  explicit RawClient(std::string_view address);

  /// False if the peer is gone.
  bool send(std::string_view bytes);
  /// A request with Content-Length (if there is a body) and Host.
  bool request(std::string_view method,
               std::string_view target,
               const std::vector<std::pair<std::string, std::string>>& headers = {},
               std::string_view body = {});

  /// The next message, interim ones (100) too.
  RawResponse read_response();
  /// Only its head; read_some() then gives the body's bytes as they are on the wire.
  RawResponse read_head();
  /// At least one byte; empty at the end of the connection.
  std::string read_some();
  /// Bytes until `end` is among them; throws if the connection ends before.
  std::string read_until(std::string_view end);
  /// Everything up to the end of the connection.
  std::string read_to_end();
  /// Nothing arrives within `milliseconds` (an absence can only be waited for).
  bool silent_for(int milliseconds);

  /// Closes the sending side.
  void finish_sending();
  /// Closes with a reset.
  void reset();
  [[nodiscard]] int fd() const { return socket_.get(); }

 private:
  bool fill();
  std::string take_line();
  std::string take(std::size_t size, bool& cut);
  void read_chunks(RawResponse& response);

  UniqueFd socket_;
  std::string buffer_;
};

}  // namespace postlude::testing
