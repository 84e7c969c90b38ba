#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace postlude::emulator {

/// One end of a TCP connection. `address` is hexadecimal as in /proc/net/tcp (bytes of each word in
/// the machine's order); an IPv4 address seen through an IPv6 socket is the IPv4 one.
struct TcpEnd {
  std::string address;
  std::uint16_t port = 0;

  bool operator==(const TcpEnd&) const = default;
};

struct TcpSocket {
  TcpEnd local;
  TcpEnd remote;
  bool connected = false;  ///< or about to be: not listening, not closed on both sides
  ino_t inode = 0;         ///< 0: no process has it (any more, or yet)
};

/// The lines of /proc/net/tcp or /proc/net/tcp6; what is no such line is left out. Pure.
[[nodiscard]] std::vector<TcpSocket> parse_tcp_table(std::string_view text);

/// Which of `table` are connections of an environment to somewhere else: their inode is in `own`,
/// and nothing of the environment, nor its Runtime API at 127.0.0.1:`api_port`, is the other end.
/// Connections inside an environment survive a freeze (lambda-protocol.md 4.4). Pure.
[[nodiscard]] std::vector<ino_t> outside_connections(const std::vector<TcpSocket>& table,
                                                     const std::unordered_set<ino_t>& own,
                                                     std::uint16_t api_port);

}  // namespace postlude::emulator
