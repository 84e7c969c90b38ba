#include "runtime/relay.h"

#include <fmt/format.h>

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace postlude::runtime {
namespace {

/// The platform still owes it an event, or has written one.
bool alive(const OrphanPoll& orphan) {
  char byte = 0;
  const ssize_t size = ::recv(orphan.platform.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR));
}

}  // namespace

Result<std::unique_ptr<Relay>> Relay::listen(EventLoop& loop,
                                             const TcpAddress& platform,
                                             RelayTraffic& traffic,
                                             ResponseMode response_mode) {
  auto listener = listen_on_loopback();
  if (!listener) {
    return tl::unexpected(listener.error());
  }
  return std::unique_ptr<Relay>(new Relay(
      {.loop = loop, .platform = platform, .traffic = traffic, .response_mode = response_mode},
      std::move(*listener)));
}

Relay::Relay(RelayContext context, TcpListener listener)
    : context_(std::move(context)),
      listener_(context_.loop, [this](short) { accept_all(); }),
      address_(fmt::format("127.0.0.1:{}", listener.port)) {
  listener_.open(std::move(listener.fd));
  listener_.want(POLLIN);
  context_.ended = [this](RelayConnection& connection) {
    context_.loop.after_round([this, &connection] { forget(connection); });
  };
  context_.orphaned = [this](OrphanPoll orphan) { orphans_.push_back(std::move(orphan)); };
  context_.take_orphan = [this](ExchangeKind kind) { return take_orphan(kind); };
  context_.close_gently = [this](UniqueFd socket) { close_gently(std::move(socket)); };
}

void Relay::resume_polls() {
  for (const auto& connection : connections_) {
    connection->resume();
  }
}

bool Relay::drained() const {
  return std::all_of(connections_.begin(), connections_.end(), [](const auto& connection) {
    return connection->cut_short();
  });
}

bool Relay::awaits_answer() const {
  return std::any_of(connections_.begin(), connections_.end(), [](const auto& connection) {
    return connection->awaits_answer();
  });
}

void Relay::accept_all() {
  auto accepted = accept_tcp(listener_.fd());
  for (; accepted; accepted = accept_tcp(listener_.fd())) {
    connections_.push_back(std::make_unique<RelayConnection>(context_, std::move(*accepted)));
  }
  if (accepted.error().code == ErrorCode::no_space) {
    // The next ones wait in the backlog; asking for them at once would only turn in circles.
    constexpr Millis kPause{100};
    listener_.want(0);
    context_.loop.at(now() + kPause, [this] { listener_.want(POLLIN); });
  }
}

void Relay::forget(const RelayConnection& connection) {
  std::erase_if(connections_, [&](const auto& owned) { return owned.get() == &connection; });
  on_ended_();
}

void Relay::close_gently(UniqueFd socket) {
  closing_.push_back(std::make_unique<LingeringClose>(
      context_, std::move(socket), [this](const LingeringClose& ended) {
        context_.loop.after_round([this, &ended] {
          std::erase_if(closing_, [&](const auto& owned) { return owned.get() == &ended; });
        });
      }));
}

std::optional<OrphanPoll> Relay::take_orphan(ExchangeKind kind) {
  std::erase_if(orphans_, [](const OrphanPoll& orphan) { return !alive(orphan); });
  const auto found = std::find_if(
      orphans_.begin(), orphans_.end(), [kind](const auto& orphan) { return orphan.kind == kind; });
  if (found == orphans_.end()) {
    return std::nullopt;
  }
  OrphanPoll orphan = std::move(*found);
  orphans_.erase(found);
  return orphan;
}

}  // namespace postlude::runtime
