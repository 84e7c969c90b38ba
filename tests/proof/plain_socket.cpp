#include "tests/proof/plain_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>

namespace postlude::testing {

PlainSocket PlainSocket::connect(std::string_view port) {
  PlainSocket made;
  std::uint16_t number = 0;
  std::from_chars(port.data(), port.data() + port.size(), number);
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(number);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  int result = -1;
  do {
    result = ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  } while (result != 0 && errno == EINTR);
  if (result == 0) {
    made.fd_ = std::move(fd);
  }
  return made;
}

bool PlainSocket::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) {
      continue;
    }
    if (sent <= 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool PlainSocket::fill() {
  constexpr std::size_t kReadBytes = 4096;
  std::array<char, kReadBytes> buffer{};
  ssize_t count = -1;
  do {
    count = ::read(fd_.get(), buffer.data(), buffer.size());
  } while (count < 0 && errno == EINTR);
  if (count > 0) {
    received_.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return count > 0;
}

std::string PlainSocket::read_line() {
  std::size_t end = received_.find('\n');
  while (end == std::string::npos && fill()) {
    end = received_.find('\n');
  }
  if (end == std::string::npos) {
    return {};
  }
  std::string line = received_.substr(0, end);
  received_.erase(0, end + 1);
  if (!line.empty() && line.back() == '\r') {
    line.pop_back();
  }
  return line;
}

std::string PlainSocket::read_bytes(std::size_t count) {
  while (received_.size() < count && fill()) {
  }
  std::string bytes = received_.substr(0, count);
  received_.erase(0, bytes.size());
  return bytes;
}

}  // namespace postlude::testing
