#include "tests/emulator/tcp_table.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace postlude::emulator {
namespace {

constexpr int kHex = 16;
// The kernel's states (net/tcp_states.h): from ESTABLISHED to FIN_WAIT2, and CLOSE_WAIT.
constexpr unsigned kFinWait2 = 5;
constexpr unsigned kCloseWait = 8;
constexpr std::string_view kLoopback = "0100007F";

template <class Number>
std::optional<Number> number(std::string_view text, int base) {
  Number value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size() ? std::optional(value)
                                                                             : std::nullopt;
}

std::string_view take_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(word.size());
  return word;
}

std::optional<TcpEnd> parse_end(std::string_view text) {
  constexpr std::string_view kMapped = "0000000000000000FFFF0000";
  const std::size_t colon = text.find(':');
  const auto port = colon == std::string_view::npos
                        ? std::nullopt
                        : number<std::uint16_t>(text.substr(colon + 1), kHex);
  if (!port) {
    return std::nullopt;
  }
  std::string_view address = text.substr(0, colon);
  if (address.starts_with(kMapped)) {
    address.remove_prefix(kMapped.size());
  }
  return TcpEnd{std::string(address), *port};
}

/// "  0: 0100007F:1F90 0100007F:C350 01 TX:RX TR:WHEN RETRANSMITS UID TIMEOUT INODE ..."
std::optional<TcpSocket> parse_line(std::string_view line) {
  constexpr std::size_t kWords = 10;
  std::array<std::string_view, kWords> words;
  std::generate(words.begin(), words.end(), [&] { return take_word(line); });
  const auto local = parse_end(words[1]);
  const auto remote = parse_end(words[2]);
  const auto state = number<unsigned>(words[3], kHex);
  const auto inode = number<ino_t>(words[kWords - 1], 10);
  if (!local || !remote || !state || !inode) {
    return std::nullopt;
  }
  return TcpSocket{.local = *local,
                   .remote = *remote,
                   .connected = *state <= kFinWait2 || *state == kCloseWait,
                   .inode = *inode};
}

bool any_address(const std::string& address) {
  return address.find_first_not_of('0') == std::string::npos;
}

}  // namespace

std::vector<TcpSocket> parse_tcp_table(std::string_view text) {
  std::vector<TcpSocket> sockets;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (auto socket = parse_line(line)) {
      sockets.push_back(std::move(*socket));
    }
  }
  return sockets;
}

std::vector<ino_t> outside_connections(const std::vector<TcpSocket>& table,
                                       const std::unordered_set<ino_t>& own,
                                       std::uint16_t api_port) {
  std::vector<TcpEnd> inside{{std::string(kLoopback), api_port}};
  for (const TcpSocket& socket : table) {
    if (own.contains(socket.inode)) {
      inside.push_back(socket.local);
    }
  }
  std::vector<ino_t> found;
  for (const TcpSocket& socket : table) {
    // A listener for all addresses is also the end of what it has not accepted yet.
    const auto is_other_end = [&](const TcpEnd& end) {
      return end.port == socket.remote.port &&
             (end.address == socket.remote.address || any_address(end.address));
    };
    if (socket.connected && own.contains(socket.inode) &&
        std::none_of(inside.begin(), inside.end(), is_other_end)) {
      found.push_back(socket.inode);
    }
  }
  return found;
}

}  // namespace postlude::emulator
