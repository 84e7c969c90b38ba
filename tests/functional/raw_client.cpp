#include "tests/functional/raw_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <stdexcept>

namespace postlude::testing {
namespace {

/// Of what arrived, in an error's text.
constexpr std::size_t kQuoted = 500;

bool same(std::string_view left, std::string_view right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(), [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) ==
           std::tolower(static_cast<unsigned char>(b));
  });
}

std::uint16_t port_in(std::string_view address) {
  const std::string digits(address.substr(address.rfind(':') + 1));
  return static_cast<std::uint16_t>(std::stoi(digits));
}

void parse_head(RawResponse& response) {
  response.status = std::stoi(response.head.substr(response.head.find(' ') + 1, 3));
  std::size_t at = response.head.find("\r\n") + 2;
  while (at + 2 < response.head.size()) {
    const std::size_t end = response.head.find("\r\n", at);
    const std::size_t colon = response.head.find(':', at);
    std::size_t value = colon + 1;
    while (value < end && response.head[value] == ' ') {
      ++value;
    }
    response.headers.emplace_back(response.head.substr(at, colon - at),
                                  response.head.substr(value, end - value));
    at = end + 2;
  }
  const auto encoding = response.header("Transfer-Encoding");
  response.chunked = encoding && same(*encoding, "chunked");
}

}  // namespace

std::optional<std::string> RawResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (same(key, name)) {
      return value;
    }
  }
  return std::nullopt;
}

RawClient::RawClient(std::string_view address) : RawClient(port_in(address)) {}

RawClient::RawClient(std::uint16_t port)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error("connect to port " + std::to_string(port) + ": errno " +
                             std::to_string(errno));
  }
  const int on = 1;
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent > 0 ? sent : 0));
  }
  return true;
}

bool RawClient::request(std::string_view method,
                        std::string_view target,
                        const std::vector<std::pair<std::string, std::string>>& headers,
                        std::string_view body) {
  std::string text(method);
  text.append(" ").append(target).append(" HTTP/1.1\r\nHost: test\r\n");
  for (const auto& [name, value] : headers) {
    text.append(name).append(": ").append(value).append("\r\n");
  }
  if (!body.empty() || method == "POST") {
    text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
  }
  text.append("\r\n").append(body);
  return send(text);
}

bool RawClient::fill() {
  pollfd watched{socket_.get(), POLLIN, 0};
  if (::poll(&watched, 1, kPatienceMs) == 0) {
    throw std::runtime_error("nothing arrived; so far: " + buffer_.substr(0, kQuoted));
  }
  constexpr std::size_t kSize = std::size_t{256} << 10;
  const std::size_t old_size = buffer_.size();
  buffer_.resize(old_size + kSize);
  const ssize_t got = ::recv(socket_.get(), buffer_.data() + old_size, kSize, 0);
  buffer_.resize(old_size + static_cast<std::size_t>(got > 0 ? got : 0));
  return got > 0;
}

RawResponse RawClient::read_head() {
  RawResponse response;
  std::size_t end = 0;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) {
      response.cut = true;
      response.head = buffer_;
      return response;
    }
  }
  response.head = buffer_.substr(0, end + 4);
  buffer_.erase(0, end + 4);
  parse_head(response);
  return response;
}

std::string RawClient::take(std::size_t size, bool& cut) {
  while (buffer_.size() < size && !cut) {
    cut = !fill();
  }
  std::string bytes = buffer_.substr(0, size);
  buffer_.erase(0, bytes.size());
  return bytes;
}

std::string RawClient::take_line() {
  std::size_t end = 0;
  while ((end = buffer_.find("\r\n")) == std::string::npos) {
    if (!fill()) {
      return {};
    }
  }
  std::string line = buffer_.substr(0, end + 2);
  buffer_.erase(0, end + 2);
  return line;
}

void RawClient::read_chunks(RawResponse& response) {
  while (!response.cut) {
    const std::string line = take_line();
    if (line.empty()) {
      response.cut = true;
      return;
    }
    const std::size_t size = std::stoul(line, nullptr, 16);
    if (size == 0) {
      break;
    }
    response.body += take(size, response.cut);
    bool ignored = false;
    take(2, ignored);
  }
  std::string line;
  while ((line = take_line()).size() > 2) {
    response.trailers += line;
  }
  response.cut = response.cut || line.empty();
}

RawResponse RawClient::read_response() {
  RawResponse response = read_head();
  if (response.cut || response.status < 200) {
    return response;
  }
  const auto length = response.header("Content-Length");
  if (response.chunked) {
    read_chunks(response);
  } else if (length) {
    response.body = take(std::stoul(*length), response.cut);
  }
  return response;
}

std::string RawClient::read_some() {
  if (buffer_.empty()) {
    fill();
  }
  return std::exchange(buffer_, {});
}

std::string RawClient::read_until(std::string_view end) {
  while (buffer_.find(end) == std::string::npos) {
    if (!fill()) {
      throw std::runtime_error("the connection ended behind: " + buffer_.substr(0, kQuoted));
    }
  }
  return std::exchange(buffer_, {});
}

std::string RawClient::read_to_end() {
  while (fill()) {
  }
  return std::exchange(buffer_, {});
}

bool RawClient::silent_for(int milliseconds) {
  pollfd watched{socket_.get(), POLLIN, 0};
  return buffer_.empty() && ::poll(&watched, 1, milliseconds) == 0;
}

void RawClient::finish_sending() {
  ::shutdown(socket_.get(), SHUT_WR);
}

void RawClient::reset() {
  const linger now{1, 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  socket_.reset();
}

}  // namespace postlude::testing
