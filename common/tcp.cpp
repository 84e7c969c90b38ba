#include "common/tcp.h"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <charconv>
#include <cstring>
#include <memory>

namespace postlude {
namespace {

// The socket API takes every address family through one generic type.
// NOLINTBEGIN(cppcoreguidelines-pro-type-reinterpret-cast)
const sockaddr* generic(const TcpAddress& address) {
  return reinterpret_cast<const sockaddr*>(&address.storage);
}

TcpAddress ipv4(in_addr host, std::uint16_t port) {
  TcpAddress result;
  auto* address = reinterpret_cast<sockaddr_in*>(&result.storage);
  address->sin_family = AF_INET;
  address->sin_addr = host;
  address->sin_port = htons(port);
  result.size = sizeof(sockaddr_in);
  return result;
}

std::uint16_t port_of(const TcpAddress& address) {
  return ntohs(reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_port);
}

sockaddr* generic(TcpAddress& address) {
  return reinterpret_cast<sockaddr*>(&address.storage);
}
// NOLINTEND(cppcoreguidelines-pro-type-reinterpret-cast)

void disable_delay(int fd) {
  const int on = 1;
  static_cast<void>(::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
}

Result<TcpAddress> look_up(const std::string& host, const std::string& port) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int failed = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); failed != 0) {
    return fail(fmt::format("look up {}: {}", host, ::gai_strerror(failed)));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  TcpAddress result;
  std::memcpy(&result.storage, found->ai_addr, found->ai_addrlen);
  result.size = found->ai_addrlen;
  return result;
}

}  // namespace

Result<TcpAddress> resolve_tcp(std::string_view host_and_port) {
  const std::size_t colon = host_and_port.rfind(':');
  const std::string host(host_and_port.substr(0, colon));
  const std::string port(colon == std::string_view::npos ? std::string_view{}
                                                         : host_and_port.substr(colon + 1));
  std::uint16_t number = 0;
  const auto parsed = std::from_chars(port.data(), port.data() + port.size(), number);
  if (host.empty() || number == 0 || parsed.ptr != port.data() + port.size()) {
    return fail(fmt::format("\"{}\" is not a host:port", host_and_port));
  }
  in_addr literal = {};
  if (::inet_pton(AF_INET, host.c_str(), &literal) == 1) {
    return ipv4(literal, number);
  }
  return look_up(host, port);
}

Result<UniqueFd> start_connect(const TcpAddress& address) {
  UniqueFd fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) {
    return errno_failure("socket", "");
  }
  disable_delay(fd.get());
  if (::connect(fd.get(), generic(address), address.size) != 0 && errno != EINPROGRESS) {
    return errno_failure("connect", "");
  }
  return fd;
}

int connect_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

Result<TcpListener> listen_on_loopback() {
  constexpr int kBacklog = 1024;
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  TcpAddress address = ipv4(in_addr{htonl(INADDR_LOOPBACK)}, 0);
  if (!fd || ::bind(fd.get(), generic(address), address.size) != 0 ||
      ::listen(fd.get(), kBacklog) != 0 ||
      ::getsockname(fd.get(), generic(address), &address.size) != 0) {
    return errno_failure("listen on", "127.0.0.1");
  }
  return TcpListener{std::move(fd), port_of(address)};
}

Result<UniqueFd> accept_tcp(int listener) {
  UniqueFd fd;
  do {
    fd.reset(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  } while (!fd && (errno == EINTR || errno == ECONNABORTED));
  if (!fd && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
    return fail(ErrorCode::no_space, errno_error("accept", "a connection").message);
  }
  if (!fd) {
    return errno_failure("accept", "a connection");
  }
  disable_delay(fd.get());
  return fd;
}

}  // namespace postlude
