#include "tests/emulator/tcp_table.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace postlude::emulator;  // NOLINT(google-build-using-namespace)

namespace {

TcpSocket connection(const TcpEnd& local, const TcpEnd& remote, ino_t inode) {
  return {.local = local, .remote = remote, .connected = true, .inode = inode};
}

TcpSocket listener(const TcpEnd& local, ino_t inode) {
  return {.local = local, .remote = {"00000000", 0}, .connected = false, .inode = inode};
}

TcpEnd loopback(std::uint16_t port) {
  return {"0100007F", port};
}

}  // namespace

TEST_CASE("the kernel's table of TCP sockets is read, and its headline is not") {
  const auto table = parse_tcp_table(
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
      "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
      "4711 1 0000000000000000 100 0 0 10 0\n"
      "   1: 0100007F:C350 0200000A:01BB 01 00000000:00000000 00:00000000 00000000  1000        0 "
      "4712 1 0000000000000000 20 4 30 10 -1\n"
      "   2: 0000000000000000FFFF00000100007F:C351 0000000000000000FFFF00000100007F:1F90 08 "
      "00000000:00000000 00:00000000 00000000  1000        0 4713 1 0000000000000000 20 4 30\n"
      "   3: 0100007F:C352 0100007F:1F90 06 00000000:00000000 03:00000F0A 00000000     0        0 "
      "0 3 0000000000000000\n");
  REQUIRE(table.size() == 4);
  CHECK(table[0].local == loopback(8080));
  CHECK_FALSE(table[0].connected);
  CHECK(table[0].inode == 4711);
  CHECK(table[1].remote == TcpEnd{"0200000A", 443});
  CHECK(table[1].connected);
  CHECK(table[2].local == loopback(50001));  // IPv4 through an IPv6 socket
  CHECK(table[2].connected);                 // the peer closed its side only
  CHECK_FALSE(table[3].connected);
}

TEST_CASE("a connection to another machine, or to somebody else on this one, is outside") {
  const std::vector<TcpSocket> table{connection(loopback(50000), {"0200000A", 443}, 1),
                                     connection(loopback(50001), loopback(8000), 2),
                                     listener(loopback(8000), 90),
                                     connection(loopback(50002), loopback(8000), 91)};
  CHECK(outside_connections(table, {1, 2}, 9001) == std::vector<ino_t>{1, 2});
}

TEST_CASE("what the processes have among themselves and with the Runtime API is inside") {
  const std::vector<TcpSocket> table{connection(loopback(50000), loopback(9001), 1),
                                     listener(loopback(9009), 2),
                                     connection(loopback(50001), loopback(9009), 3),
                                     connection(loopback(9009), loopback(50001), 4),
                                     listener({std::string(32, '0'), 7000}, 5),
                                     connection(loopback(50002), loopback(7000), 6)};
  CHECK(outside_connections(table, {1, 2, 3, 4, 5, 6}, 9001).empty());
  // The same sockets in the hands of somebody else are none of the environment's.
  CHECK(outside_connections(table, {}, 9001).empty());
  CHECK(outside_connections(table, {3}, 9001) == std::vector<ino_t>{3});
}
