#include "runtime/relay.h"

#include <fmt/format.h>

#include <poll.h>

#include <algorithm>
#include <utility>

namespace postlude::runtime {

Result<std::unique_ptr<Relay>> Relay::listen(EventLoop& loop,
                                             const TcpAddress& platform,
                                             RelayTraffic& traffic) {
  auto listener = listen_on_loopback();
  if (!listener) {
    return tl::unexpected(listener.error());
  }
  return std::unique_ptr<Relay>(new Relay(loop, platform, traffic, std::move(*listener)));
}

Relay::Relay(EventLoop& loop,
             const TcpAddress& platform,
             RelayTraffic& traffic,
             TcpListener listener)
    : context_{loop, platform, traffic},
      listener_(std::move(listener.fd)),
      slot_(loop.add(listener_.get(), POLLIN, [this](short) { accept_all(); })),
      address_(fmt::format("127.0.0.1:{}", listener.port)) {
  owner_.ended = [this](RelayConnection& connection) {
    context_.loop.after_round([this, &connection] { forget(connection); });
  };
  owner_.orphaned = [this](OrphanPoll orphan) { orphans_.push_back(std::move(orphan)); };
  owner_.take_orphan = [this](ExchangeKind kind) -> std::optional<OrphanPoll> {
    const auto found = std::find_if(orphans_.begin(), orphans_.end(), [kind](const auto& orphan) {
      return orphan.kind == kind;
    });
    if (found == orphans_.end()) {
      return std::nullopt;
    }
    OrphanPoll orphan = std::move(*found);
    orphans_.erase(found);
    return orphan;
  };
}

Relay::~Relay() {
  context_.loop.remove(slot_);
}

void Relay::resume_polls() {
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    connections_[i]->resume();
  }
}

void Relay::accept_all() {
  while (auto accepted = accept_tcp(listener_.get())) {
    connections_.push_back(
        std::make_unique<RelayConnection>(context_, std::move(*accepted), owner_));
  }
}

void Relay::forget(const RelayConnection& connection) {
  std::erase_if(connections_, [&](const auto& owned) { return owned.get() == &connection; });
  if (connections_.empty()) {
    on_drained_();
  }
}

}  // namespace postlude::runtime
