#include "runtime/extension_link.h"

#include <fmt/format.h>

#include <poll.h>
#include <unistd.h>

#include <random>
#include <utility>

namespace postlude::runtime {
namespace {

/// Each has up to four descriptors, of the 1,024 that Lambda allows a process.
constexpr std::size_t kMostQueuedWithFiles = 64;

}  // namespace

Result<std::unique_ptr<ExtensionLink>> ExtensionLink::listen(EventLoop& loop,
                                                             Log log,
                                                             Hello hello,
                                                             Events events) {
  std::random_device random;
  std::string name = fmt::format("postlude-{}-{:08x}{:08x}", ::getpid(), random(), random());
  auto listener = PacketListener::listen(name);
  if (!listener) {
    return tl::unexpected(listener.error());
  }
  auto link = std::unique_ptr<ExtensionLink>(
      new ExtensionLink(loop, log, std::move(name), std::move(events)));
  link->listener_ = std::move(*listener);
  link->listener_slot_ =
      loop.add(link->listener_->fd(), POLLIN, [self = link.get()](short) { self->accept(); });
  link->send(hello);
  return link;
}

std::unique_ptr<ExtensionLink> ExtensionLink::unconnected(EventLoop& loop, Log log, Events events) {
  return std::unique_ptr<ExtensionLink>(new ExtensionLink(loop, log, {}, std::move(events)));
}

ExtensionLink::ExtensionLink(EventLoop& loop, Log log, std::string name, Events events)
    : loop_(loop), log_(log), name_(std::move(name)), events_(std::move(events)) {}

Result<void> ExtensionLink::connect(const std::string& name) {
  auto socket = PacketSocket::connect(name);
  if (!socket) {
    return tl::unexpected(socket.error());
  }
  name_ = name;
  attach(std::move(*socket));
  return {};
}

ExtensionLink::~ExtensionLink() {
  give_up();
}

void ExtensionLink::send(const Message& message, std::vector<UniqueFd> files) {
  if (lost_) {
    return;
  }
  if (queue_.size() >= kMaxQueuedMessages) {
    lose("it does not read its messages");
    return;
  }
  if (queue_.size() >= kMostQueuedWithFiles) {
    files.clear();
  }
  queue_.push_back({encode(message), std::move(files)});
  if (socket_ && queue_.size() == 1) {
    flush();
  }
}

void ExtensionLink::give_up() {
  lost_ = true;
  queue_.clear();
  if (slot_) {
    loop_.remove(*std::exchange(slot_, {}));
  }
  if (listener_slot_) {
    loop_.remove(*std::exchange(listener_slot_, {}));
  }
  socket_.reset();
  listener_.reset();
}

void ExtensionLink::accept() {
  auto accepted = listener_->accept();
  if (!accepted) {
    log_.warn(accepted.error().message);
    return;
  }
  if (!*accepted) {
    return;
  }
  attach(std::move(**accepted));
  // One extension: nobody else is listened to while it lives.
  loop_.remove(*std::exchange(listener_slot_, {}));
  listener_.reset();
  flush();
}

void ExtensionLink::attach(PacketSocket socket) {
  socket_ = std::move(socket);
  slot_ = loop_.add(socket_->fd(), POLLIN, [this](short revents) { on_ready(revents); });
}

void ExtensionLink::on_ready(short revents) {
  if ((revents & POLLOUT) != 0) {
    flush();
  }
  if (!lost_ && (revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
    receive();
  }
}

/// One a round: they seldom come in company, and a read that finds nothing costs a system call.
void ExtensionLink::receive() {
  auto packet = socket_->receive();
  if (!packet) {
    lose(packet.error().message);
    return;
  }
  if (!*packet) {
    return;
  }
  if (auto message = decode(**packet)) {
    events_.message(*message);
  } else {
    log_.error(fmt::format("extension: {}", message.error().message));
  }
}

void ExtensionLink::flush() {
  while (!queue_.empty()) {
    if (auto sent = socket_->send(queue_.front().packet, queue_.front().files); !sent) {
      if (sent.error().code != ErrorCode::would_block) {
        lose(sent.error().message);
        return;
      }
      break;
    }
    queue_.pop_front();
  }
  loop_.set_events(*slot_, static_cast<short>(queue_.empty() ? POLLIN : POLLIN | POLLOUT));
}

void ExtensionLink::lose(std::string_view reason) {
  log_.debug(fmt::format("extension link: {}", reason));
  give_up();
  // Whoever sends is in the middle of something.
  loop_.after_round([lost = events_.lost] { lost(); });
}

}  // namespace postlude::runtime
