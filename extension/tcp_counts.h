#pragma once

#include <cstdint>
#include <optional>

namespace postlude::extension {

/// What a TCP connection received until now, as the kernel counts it.
struct TcpCounts {
  std::uint64_t segments = 0;  ///< a reset included, which a refused connection ends with
  std::uint64_t bytes = 0;     ///< the end of the stream counts as one
};

/// Nothing if the kernel does not tell.
[[nodiscard]] std::optional<TcpCounts> tcp_counts(int fd);

}  // namespace postlude::extension
