#pragma once

#include "common/http_framing.h"
#include "common/unique_fd.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace postlude::testing {

/// CLOCK_MONOTONIC in nanoseconds: the clock of all figures of the benchmark, in every process.
[[nodiscard]] std::int64_t monotonic_ns();

/// Returns when all is sent, also where the descriptor is non-blocking; false if the connection
/// broke.
[[nodiscard]] bool send_all(int fd, std::string_view bytes);

/// One connection to the played platform: splits what comes into requests.
class PlatformPeer {
 public:
  /// Of a longer body only so much is kept; its bytes are counted all the same.
  static constexpr std::size_t kKeptBodyBytes = 16384;

  struct Request {
    std::string method;
    std::string target;
    std::string body;              ///< its first kKeptBodyBytes
    std::size_t body_bytes = 0;    ///< all of it
    std::int64_t first_byte = -1;  ///< when the first bytes of the body were read
    std::int64_t end = -1;         ///< when its last byte was
  };

  explicit PlatformPeer(UniqueFd fd) : fd_(std::move(fd)) {}

  [[nodiscard]] int fd() const { return fd_.get(); }
  /// Reads once, calls `take` for each request that is complete; false when the connection is gone
  /// or sent what is not HTTP.
  [[nodiscard]] bool receive(const std::function<void(Request&)>& take);
  [[nodiscard]] bool send(std::string_view bytes) const { return send_all(fd_.get(), bytes); }

 private:
  void keep(std::string_view payload, std::int64_t at);

  UniqueFd fd_;
  HttpFraming framing_{MessageKind::request};
  std::string input_;
  Request request_;
};

}  // namespace postlude::testing
