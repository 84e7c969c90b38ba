#include "common/packet_socket.h"

#include <fmt/format.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

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

std::optional<ucred> maker_of_other_end(int fd) {
  ucred peer = {};
  socklen_t size = sizeof peer;
  const bool told = ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
  return told ? std::optional(peer) : std::nullopt;
}

bool same_user(int fd) {
  const auto peer = maker_of_other_end(fd);
  return peer && peer->uid == ::geteuid();
}

/// Room for the descriptors of one packet, aligned as the kernel wants it.
struct DescriptorSpace {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxPacketDescriptors * sizeof(int))> bytes = {};
};

/// -1 with errno, as sendmsg.
ssize_t send_once(int fd, std::string_view packet, std::span<const UniqueFd> descriptors) {
  DescriptorSpace space;
  iovec piece = {const_cast<char*>(packet.data()),  // NOLINT(cppcoreguidelines-pro-type-const-cast)
                 packet.size()};                    // sendmsg only reads it
  msghdr message = {};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = space.bytes.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size() * sizeof(int));
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
    unsigned char* place = CMSG_DATA(header);
    for (const UniqueFd& descriptor : descriptors) {
      const int number = descriptor.get();
      std::memcpy(place, &number, sizeof number);
      place += sizeof number;
    }
  }
  return ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

std::vector<UniqueFd> descriptors_of(msghdr& message) {
  std::vector<UniqueFd> descriptors;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(header) + i * sizeof number, sizeof number);
      descriptors.emplace_back(number);
    }
  }
  return descriptors;
}

}  // namespace

std::string external_link_name(std::string_view runtime_api) {
  return fmt::format("postlude-external-{}", runtime_api);
}

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
  // Anybody may listen on an abstract name.
  if (!same_user(fd->get())) {
    return fail(fmt::format("connect {}: another user listens there", name));
  }
  return PacketSocket(std::move(*fd));
}

pid_t PacketSocket::peer() const {
  const auto peer = maker_of_other_end(fd_.get());
  return peer ? peer->pid : 0;
}

Result<void> PacketSocket::send(std::string_view packet, const std::vector<UniqueFd>& descriptors) {
  if (packet.size() > kMaxPacketBytes) {
    return fail("packet is too large: " + std::to_string(packet.size()) + " bytes");
  }
  std::size_t count = std::min(descriptors.size(), kMaxPacketDescriptors);
  while (send_once(fd_.get(), packet, {descriptors.data(), count}) < 0) {
    // Too many on their way: the files have names as well.
    if (errno == ETOOMANYREFS && count > 0) {
      count = 0;
    } else if (errno != EINTR) {
      return errno_failure("send packet", "");
    }
  }
  return {};
}

Result<std::optional<std::string>> PacketSocket::receive() {
  std::array<char, kMaxPacketBytes> packet;
  DescriptorSpace space;
  iovec piece = {packet.data(), packet.size()};
  msghdr message = {};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = space.bytes.data();
  message.msg_controllen = space.bytes.size();
  ssize_t size = 0;
  do {
    // MSG_TRUNC: the size of the packet, not of what there was room for.
    size = ::recvmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC);
    // A peer that ended before it had read everything: told once, ahead of what it had sent.
  } while (size < 0 && (errno == EINTR || errno == ECONNRESET));
  received_.clear();
  if (size < 0) {
    if (errno == EAGAIN) {
      return std::optional<std::string>();
    }
    return errno_failure("receive packet", "");
  }
  received_ = descriptors_of(message);
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
  if (!same_user(fd.get())) {
    return fail("refused a connection of another user to the extension socket");
  }
  return std::optional(PacketSocket(std::move(fd)));
}

}  // namespace postlude
