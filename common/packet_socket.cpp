#include "common/packet_socket.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstring>

namespace postlude {
namespace {

struct AbstractAddress {
  sockaddr_un address = {};
  socklen_t size = 0;
};

Result<AbstractAddress> abstract_address(std::string_view name) {
  AbstractAddress result;
  result.address.sun_family = AF_UNIX;
  if (name.empty() || name.size() + 1 > sizeof result.address.sun_path) {
    return fail("socket name is empty or too long: " + std::string(name));
  }
  // The leading NUL that is already there makes the name abstract.
  std::memcpy(&result.address.sun_path[1], name.data(), name.size());
  result.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  return result;
}

Result<UniqueFd> packet_descriptor(std::string_view name) {
  UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) {
    return errno_failure("socket for", name);
  }
  return fd;
}

const sockaddr* generic(const AbstractAddress& address) {
  return reinterpret_cast<const sockaddr*>(
      &address.address);  // NOLINT(cppcoreguidelines-pro-type-reinterpret-cast)
                          // the socket API's own convention
}

}  // namespace

Result<PacketSocket> PacketSocket::connect(std::string_view name) {
  const auto address = abstract_address(name);
  if (!address) {
    return tl::unexpected(address.error());
  }
  auto fd = packet_descriptor(name);
  if (!fd) {
    return tl::unexpected(fd.error());
  }
  if (::connect(fd->get(), generic(*address), address->size) != 0) {
    return errno_failure("connect", name);
  }
  return PacketSocket(std::move(*fd));
}

Result<void> PacketSocket::send(std::string_view packet) {
  if (packet.size() > kMaxPacketBytes) {
    return fail("packet is too large: " + std::to_string(packet.size()) + " bytes");
  }
  while (::send(fd_.get(), packet.data(), packet.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
    if (errno != EINTR) {
      return errno_failure("send packet", "");
    }
  }
  return {};
}

Result<std::optional<std::string>> PacketSocket::receive() {
  std::array<char, kMaxPacketBytes> packet;
  ssize_t size = 0;
  do {
    // MSG_TRUNC: the size of the packet, not of what there was room for.
    size = ::recv(fd_.get(), packet.data(), packet.size(), MSG_DONTWAIT | MSG_TRUNC);
  } while (size < 0 && errno == EINTR);
  if (size < 0) {
    if (errno == EAGAIN) {
      return std::optional<std::string>();
    }
    return errno_failure("receive packet", "");
  }
  if (size == 0) {
    return fail(ErrorCode::closed, "the peer closed the connection");
  }
  if (static_cast<std::size_t>(size) > packet.size()) {
    return fail("packet is too large: " + std::to_string(size) + " bytes");
  }
  return std::optional(std::string(packet.data(), static_cast<std::size_t>(size)));
}

Result<PacketListener> PacketListener::listen(std::string_view name) {
  const auto address = abstract_address(name);
  if (!address) {
    return tl::unexpected(address.error());
  }
  auto fd = packet_descriptor(name);
  if (!fd) {
    return tl::unexpected(fd.error());
  }
  constexpr int kBacklog = 8;  // one extension, and a successor or two
  if (::bind(fd->get(), generic(*address), address->size) != 0 ||
      ::listen(fd->get(), kBacklog) != 0) {
    return errno_failure("listen on", name);
  }
  return PacketListener(std::move(*fd));
}

Result<std::optional<PacketSocket>> PacketListener::accept() {
  UniqueFd fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd) {
    if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) {
      return std::optional<PacketSocket>();
    }
    return errno_failure("accept", "extension socket");
  }
  ucred peer = {};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
      peer.uid != ::geteuid()) {
    return fail("refused a connection of another user to the extension socket");
  }
  return std::optional(PacketSocket(std::move(fd)));
}

}  // namespace postlude
