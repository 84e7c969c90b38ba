#include "tests/roots/function/api.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace postlude::testing {
namespace {

constexpr std::string_view kStreaming =
    "Content-Type: application/octet-stream\r\n"
    "Lambda-Runtime-Function-Response-Mode: streaming\r\n"
    "Transfer-Encoding: chunked\r\n\r\n";

std::string host_of(std::string_view address) {
  constexpr std::string_view kScheme = "http://";
  if (address.starts_with(kScheme)) {
    address.remove_prefix(kScheme.size());
  }
  return std::string(address.substr(0, address.find('/')));
}

std::string port_of(const std::string& host) {
  return host.substr(host.rfind(':') + 1);
}

std::string hexadecimal(std::size_t number) {
  constexpr int kBase = 16;
  std::array<char, sizeof(number) * 2> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, kBase).ptr;
  return {digits.data(), end};
}

int number_in(std::string_view text) {
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string line_of_header(std::string line) {
  const std::size_t colon = std::min(line.find(':'), line.size());
  std::transform(line.begin(),
                 line.begin() + static_cast<std::ptrdiff_t>(colon),
                 line.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return line + "\n";
}

}  // namespace

std::string Received::header(std::string_view name) const {
  const std::string wanted = "\n" + std::string(name) + ": ";
  const std::size_t at = headers.find(wanted);
  if (at == std::string::npos) {
    return {};
  }
  const std::size_t begin = at + wanted.size();
  return headers.substr(begin, headers.find('\n', begin) - begin);
}

Api::Api(std::string_view address)
    : host_(host_of(address)), socket_(PlainSocket::connect(port_of(host_))) {}

Received Api::get(std::string_view path) {
  static_cast<void>(
      socket_.write("GET " + std::string(path) + " HTTP/1.1\r\nHost: " + host_ + "\r\n\r\n"));
  return read();
}

Received Api::post(std::string_view path, std::string_view body) {
  static_cast<void>(socket_.write("POST " + std::string(path) + " HTTP/1.1\r\nHost: " + host_ +
                                  "\r\nContent-Type: application/json\r\nContent-Length: " +
                                  std::to_string(body.size()) + "\r\n\r\n" + std::string(body)));
  return read();
}

void Api::begin_stream(std::string_view path) {
  static_cast<void>(socket_.write("POST " + std::string(path) + " HTTP/1.1\r\nHost: " + host_ +
                                  "\r\n" + std::string(kStreaming)));
}

void Api::send_piece(std::string_view bytes) {
  static_cast<void>(
      socket_.write(hexadecimal(bytes.size()) + "\r\n" + std::string(bytes) + "\r\n"));
}

Received Api::end_stream() {
  static_cast<void>(socket_.write("0\r\n\r\n"));
  return read();
}

Received Api::read() {
  Received received;
  const std::string first = socket_.read_line();
  const std::size_t space = first.find(' ');
  if (space == std::string::npos) {
    return received;
  }
  received.status = number_in(std::string_view(first).substr(space + 1));
  received.headers = "\n";
  for (std::string line = socket_.read_line(); !line.empty(); line = socket_.read_line()) {
    received.headers += line_of_header(std::move(line));
  }
  const int length = number_in(received.header("content-length"));
  received.body = socket_.read_bytes(static_cast<std::size_t>(length));
  return received;
}

}  // namespace postlude::testing
