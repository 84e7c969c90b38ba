#pragma once

#include "common/error.h"
#include "common/unique_fd.h"

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace postlude {

struct TcpAddress {
  sockaddr_storage storage = {};
  socklen_t size = 0;
};

/// "host:port" as AWS_LAMBDA_RUNTIME_API holds it: no scheme, no path. A literal IPv4 address (what
/// the platform gives) is never looked up; a name is, once, blocking.
[[nodiscard]] Result<TcpAddress> resolve_tcp(std::string_view host_and_port);

/// Non-blocking: the connection may still be under way; POLLOUT tells. Without Nagle's delay.
/// Proxy variables play no part.
[[nodiscard]] Result<UniqueFd> start_connect(const TcpAddress& address);

/// The error of a connection attempt that POLLOUT announced; 0 if it stands.
[[nodiscard]] int connect_error(int fd);

struct TcpListener {
  UniqueFd fd;  ///< non-blocking
  std::uint16_t port = 0;
};

/// On 127.0.0.1 and a port of the system's choice, with a backlog that a burst of parallel
/// polls cannot fill.
[[nodiscard]] Result<TcpListener> listen_on_loopback();

/// would_block if none waits; no_space if there is no descriptor or memory for it, in which case it
/// goes on waiting. Non-blocking, without Nagle's delay.
[[nodiscard]] Result<UniqueFd> accept_tcp(int listener);

}  // namespace postlude
