#include "common/child_process.h"
#include "common/tcp.h"
#include "tests/bench/bench_roles.h"
#include "tests/bench/platform_peer.h"

#include <fmt/format.h>

#include <poll.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <list>
#include <string>
#include <utility>
#include <vector>

namespace postlude::testing {
namespace {

struct Pair {
  UniqueFd down;
  UniqueFd up;
};

/// False when that side has nothing more to say.
bool copy(int from, int to) {
  constexpr std::size_t kReadBytes = std::size_t{64} << 10;
  static std::array<char, kReadBytes> buffer;
  const ssize_t size = ::recv(from, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size < 0) {
    return errno == EAGAIN || errno == EINTR;
  }
  return size > 0 && send_all(to, {buffer.data(), static_cast<std::size_t>(size)});
}

/// Blocking: the benchmark's peers always read.
UniqueFd connect_blocking(const TcpAddress& address) {
  auto fd = start_connect(address);
  if (!fd) {
    return {};
  }
  pollfd writable{fd->get(), POLLOUT, 0};
  static_cast<void>(::poll(&writable, 1, -1));
  return connect_error(fd->get()) == 0 ? std::move(*fd) : UniqueFd{};
}

class ByteRelay {
 public:
  ByteRelay(TcpListener listener, TcpAddress platform)
      : listener_(std::move(listener)), platform_(platform) {}

  [[noreturn]] void run() {
    while (true) {
      round();
    }
  }

 private:
  void round() {
    fds_.assign(1, {listener_.fd.get(), POLLIN, 0});
    for (const Pair& pair : pairs_) {
      fds_.push_back({pair.down.get(), POLLIN, 0});
      fds_.push_back({pair.up.get(), POLLIN, 0});
    }
    static_cast<void>(::poll(fds_.data(), fds_.size(), -1));
    std::size_t index = 1;
    for (auto pair = pairs_.begin(); pair != pairs_.end(); index += 2) {
      const bool stays = (fds_[index].revents == 0 || copy(pair->down.get(), pair->up.get())) &&
                         (fds_[index + 1].revents == 0 || copy(pair->up.get(), pair->down.get()));
      pair = stays ? std::next(pair) : pairs_.erase(pair);
    }
    if (fds_[0].revents != 0) {
      if (auto down = accept_tcp(listener_.fd.get())) {
        pairs_.push_back({std::move(*down), connect_blocking(platform_)});
      }
    }
  }

  TcpListener listener_;
  TcpAddress platform_;
  std::list<Pair> pairs_;
  std::vector<pollfd> fds_;
};

}  // namespace

int play_relay(const BenchRole& role) {
  const auto platform = resolve_tcp(role.environment.get_or("AWS_LAMBDA_RUNTIME_API", ""));
  auto listener = listen_on_loopback();
  if (!platform || !listener || role.arguments.empty()) {
    static_cast<void>(std::fputs("relay: no platform, no port or no program\n", stderr));
    return 1;
  }
  Environment environment = role.environment;
  environment.set("AWS_LAMBDA_RUNTIME_API", fmt::format("127.0.0.1:{}", listener->port));
  const auto child = start_child({.program = role.arguments.front(),
                                  .argv = role.arguments,
                                  .environment = std::move(environment),
                                  .parent_death_signal = SIGKILL});
  if (!child) {
    static_cast<void>(std::fprintf(stderr, "relay: %s\n", child.error().message.c_str()));
    return 1;
  }
  ByteRelay(std::move(*listener), *platform).run();
}

}  // namespace postlude::testing
