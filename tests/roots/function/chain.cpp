#include "tests/roots/function/chain.h"

#include "common/unique_fd.h"
#include "tests/roots/function/serve.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <string_view>

namespace postlude::testing {
namespace {

constexpr std::size_t kBytes = 65536;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

UniqueFd connect_to(const std::string& upstream) {
  std::uint16_t port = 0;
  const std::string digits = upstream.substr(upstream.rfind(':') + 1);
  std::from_chars(digits.data(), digits.data() + digits.size(), port);
  const sockaddr_in address = loopback(port);
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int result =
      ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  return result == 0 ? std::move(fd) : UniqueFd();
}

/// False for one that is refused.
bool look_at_request(const std::string& name, std::string_view bytes) {
  if (bytes.starts_with("GET ") || bytes.starts_with("POST ")) {
    const std::size_t end = bytes.find(' ', bytes.find(' ') + 1);
    const std::string_view call = bytes.substr(0, end);
    say(name + " saw " + std::string(call));
    return name != "narrow" || call.find("/extension/") == std::string_view::npos;
  }
  return true;
}

/// False at the end of either side.
bool relay(int from, int to, const std::string* name) {
  std::array<char, kBytes> buffer{};
  const ssize_t count = ::read(from, buffer.data(), buffer.size());
  if (count <= 0) {
    return false;
  }
  std::string_view bytes(buffer.data(), static_cast<std::size_t>(count));
  if (name != nullptr && !look_at_request(*name, bytes)) {
    return false;
  }
  while (!bytes.empty()) {
    const ssize_t sent = ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void relay_connection(const std::string& name, int client, int upstream) {
  std::array<pollfd, 2> sides{{{client, POLLIN, 0}, {upstream, POLLIN, 0}}};
  bool open = true;
  while (open) {
    if (::poll(sides.data(), sides.size(), -1) < 0) {
      continue;
    }
    open = (sides[0].revents == 0 || relay(client, upstream, &name)) &&
           (sides[1].revents == 0 || relay(upstream, client, nullptr));
  }
}

[[noreturn]] void run_proxy(const std::string& name, const std::string& upstream, int listener) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  while (true) {
    const UniqueFd client(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    if (client && ::fork() == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      const UniqueFd server = connect_to(upstream);
      relay_connection(name, client.get(), server.get());
      ::_exit(0);
    }
  }
}

}  // namespace

int become(const std::vector<std::string>& command, const Environment& environment) {
  std::vector<std::string> variables;
  variables.reserve(environment.variables().size());
  for (const auto& [name, value] : environment.variables()) {
    variables.push_back(std::string(name).append("=").append(value));
  }
  std::vector<std::string> words = command;
  const auto pointers = [](std::vector<std::string>& texts) {
    std::vector<char*> result;
    result.reserve(texts.size() + 1);
    for (std::string& text : texts) {
      result.push_back(text.data());
    }
    result.push_back(nullptr);
    return result;
  };
  ::execve(command.front().c_str(), pointers(words).data(), pointers(variables).data());
  constexpr int kCannotExecute = 127;
  return kCannotExecute;
}

std::string start_proxy(const std::string& name, const std::string& upstream) {
  const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  constexpr int kBacklog = 64;
  auto* const plain = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener.get(), plain, size) != 0 || ::listen(listener.get(), kBacklog) != 0 ||
      ::getsockname(listener.get(), plain, &size) != 0) {
    return {};
  }
  if (::fork() == 0) {
    run_proxy(name, upstream, listener.get());
  }
  return "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
}

}  // namespace postlude::testing
