#include "extension/shim_link.h"

#include <utility>

namespace postlude::extension {
namespace {

/// A shim that reads takes each message within milliseconds; this many unread ones say that it
/// never will.
constexpr std::size_t kMostQueued = 1024;
/// Packets read before the loop gets its turn, so that timers and children are not starved.
constexpr int kMostPacketsInARow = 64;

}  // namespace

ShimLink::ShimLink(EventLoop& loop, PacketSocket socket, Handlers handlers)
    : ShimLink(loop, std::move(handlers)) {
  attach(std::move(socket));
}

ShimLink::ShimLink(EventLoop& loop, Handlers handlers)
    : loop_(loop), handlers_(std::move(handlers)) {}

ShimLink::~ShimLink() {
  hang_up();
}

void ShimLink::attach(PacketSocket socket) {
  socket_ = std::move(socket);
  slot_ = loop_.add(socket_->fd(), POLLIN, [this](short revents) { ready(revents); });
  open_ = true;
}

void ShimLink::hang_up() {
  if (std::exchange(open_, false)) {
    loop_.remove(slot_);
    queue_.clear();
  }
}

void ShimLink::send(const Message& message, std::vector<UniqueFd> files) {
  if (!open_) {
    return;
  }
  queue_.push_back({encode(message), std::move(files)});
  send_queued();
}

void ShimLink::ready(short revents) {
  if ((revents & POLLOUT) != 0) {
    send_queued();
  }
  if (open_ && (revents & ~POLLOUT) != 0) {
    receive_all();
  }
  if (!open_) {
    socket_.reset();  // the shim may wait for it
  }
}

void ShimLink::receive_all() {
  for (int count = 0; open_ && count < kMostPacketsInARow; ++count) {
    const auto packet = socket_->receive();
    if (!packet && packet.error().code == ErrorCode::failed) {
      handlers_.garbage(packet.error());
      continue;
    }
    if (!packet) {
      close();
      return;
    }
    if (!*packet) {
      return;
    }
    const auto message = decode(**packet);
    if (!message) {
      handlers_.garbage(message.error());
      continue;
    }
    handlers_.message(*message);
    if (std::holds_alternative<Closed>(*message)) {
      return;  // as a rule the last one for long: another read would find nothing
    }
  }
}

void ShimLink::send_queued() {
  while (!queue_.empty()) {
    const auto sent = socket_->send(queue_.front().packet, queue_.front().files);
    if (!sent && sent.error().code == ErrorCode::would_block && queue_.size() < kMostQueued) {
      loop_.set_events(slot_, POLLIN | POLLOUT);
      return;
    }
    if (!sent) {
      close();
      return;
    }
    queue_.pop_front();
  }
  loop_.set_events(slot_, POLLIN);
}

void ShimLink::close() {
  hang_up();
  handlers_.closed();
}

}  // namespace postlude::extension
