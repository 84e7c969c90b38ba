#include "extension/tcp_counts.h"

// The kernel's own header: the C library's tcp_info ends before these counters.
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>

namespace postlude::extension {

std::optional<TcpCounts> tcp_counts(int fd) {
  tcp_info info = {};
  socklen_t size = sizeof info;
  constexpr std::size_t kNeeded = offsetof(tcp_info, tcpi_segs_in) + sizeof info.tcpi_segs_in;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 || size < kNeeded) {
    return std::nullopt;
  }
  return TcpCounts{info.tcpi_segs_in, info.tcpi_bytes_received};
}

}  // namespace postlude::extension
