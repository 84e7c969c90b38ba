#pragma once

#include "common/error.h"
#include "common/unique_fd.h"

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postlude {

/// Both ends refuse larger messages; larger data travels as files of the spool.
inline constexpr std::size_t kMaxPacketBytes = std::size_t{64} << 10;

/// The abstract name on which the external extension of one environment listens for its shim: both
/// know the address of their Runtime API, which no two environments share that see each other's
/// sockets.
[[nodiscard]] std::string external_link_name(std::string_view runtime_api);

/// At most this many descriptors travel with a packet: a record and its bodies.
inline constexpr std::size_t kMaxPacketDescriptors = 4;

/// One connected AF_UNIX SOCK_SEQPACKET socket: a packet is a message, so there is no framing.
/// Non-blocking; one thread at a time.
class PacketSocket {
 public:
  explicit PacketSocket(UniqueFd fd) : fd_(std::move(fd)) {}

  /// Connects to an abstract name. One that another user listens on is an error.
  [[nodiscard]] static Result<PacketSocket> connect(std::string_view name);

  [[nodiscard]] int fd() const { return fd_.get(); }

  /// The process that made the other end; 0 for one of another process namespace.
  [[nodiscard]] pid_t peer() const;

  /// would_block: the peer does not read; closed: it is gone. Copies of the descriptors go along;
  /// where too many are on their way already, the packet goes without them.
  [[nodiscard]] Result<void> send(std::string_view packet,
                                  const std::vector<UniqueFd>& descriptors = {});

  /// Nothing if none is waiting. closed: the peer is gone and all its packets were read. failed: a
  /// packet was too large and is lost; the next ones are fine.
  [[nodiscard]] Result<std::optional<std::string>> receive();
  /// Those that came with the packet that was received last; once.
  [[nodiscard]] std::vector<UniqueFd> take_descriptors() { return std::exchange(received_, {}); }

 private:
  UniqueFd fd_;
  std::vector<UniqueFd> received_;
};

/// Listens on an abstract name: no file, gone with the process.
class PacketListener {
 public:
  [[nodiscard]] static Result<PacketListener> listen(std::string_view name);

  [[nodiscard]] int fd() const { return fd_.get(); }

  /// Nothing if none is waiting. A peer that runs as another user is refused (an error).
  [[nodiscard]] Result<std::optional<PacketSocket>> accept();

 private:
  explicit PacketListener(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
};

}  // namespace postlude
