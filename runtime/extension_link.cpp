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
/// Packets read before the loop gets its turn, so that the relay is not starved.
constexpr int kMostPacketsInARow = 64;
/// An extension that is so far behind has something else to do.
constexpr std::size_t kMostQuiet = 4;

}  // namespace

Result<void> ExtensionLink::listen(const Hello& hello) {
  give_up();
  std::random_device random;
  name_ = fmt::format("postlude-{}-{:08x}{:08x}", ::getpid(), random(), random());
  auto listener = PacketListener::listen(name_);
  if (!listener) {
    return tl::unexpected(listener.error());
  }
  listener_ = std::move(*listener);
  listener_slot_ = loop_.add(listener_->fd(), POLLIN, [this](short) { accept(); });
  lost_ = false;
  deaf_ = false;
  ++processes_;
  send(hello);
  return {};
}

Result<void> ExtensionLink::connect(const std::string& name) {
  auto socket = PacketSocket::connect(name);
  if (!socket) {
    return tl::unexpected(socket.error());
  }
  name_ = name;
  lost_ = false;
  deaf_ = false;
  ++processes_;
  attach(std::move(*socket));
  return {};
}

ExtensionLink::~ExtensionLink() {
  give_up();
}

void ExtensionLink::send(const Message& message, std::vector<UniqueFd> files, Sending sending) {
  if (lost_ || deaf_) {
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
  ++sent_since_read_;
  if (sending == Sending::quietly) {
    ++quiet_queued_;
    listens_ = quiet_ > kMostQuiet;
  } else if (sending != Sending::with_next) {
    listens_ = true;
  }
  if (sending == Sending::now) {
    flush();
  } else if (sending != Sending::with_next) {
    flush_soon();
  }
  events_.sent();
}

void ExtensionLink::flush_soon() {
  if (!std::exchange(flush_pending_, true)) {
    loop_.after_round([this] {
      flush_pending_ = false;
      flush();
    });
  }
}

void ExtensionLink::catch_up() {
  // No more than it could have queued before: it may go on talking.
  for (std::size_t left = kMaxQueuedMessages; left != 0 && socket_ && receive(); --left) {
  }
}

void ExtensionLink::drain() {
  // What it could queue in its life is little; it can add nothing to it.
  while (socket_ && receive()) {
  }
  give_up();
}

void ExtensionLink::give_up() {
  lost_ = true;
  queue_.clear();
  quiet_queued_ = 0;
  quiet_ = 0;
  listens_ = true;
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
  events_.connected();
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
    receive_some();
  }
}

/// A read that finds nothing costs a system call: after one message there is one answer. With
/// several invocations at once, a round has several, and one read each would fall behind for ever.
void ExtensionLink::receive_some() {
  const bool several = std::exchange(sent_since_read_, 0) > 1;
  for (int left = several ? kMostPacketsInARow : 1; left != 0 && socket_ && receive(); --left) {
  }
}

bool ExtensionLink::receive() {
  auto packet = socket_->receive();
  if (!packet) {
    lose(packet.error().message);
    return false;
  }
  if (!*packet) {
    return false;
  }
  if (auto message = decode(**packet)) {
    if (std::holds_alternative<Settled>(*message) && quiet_ > 0) {
      --quiet_;
    }
    events_.message(*message);
  } else {
    log_.error(fmt::format("extension: {}", message.error().message));
  }
  return true;
}

/// One each, as a rule in one read: they were given long ago.
void ExtensionLink::read_quiet_answers() {
  while (quiet_ > 0 && socket_ && receive()) {
  }
}

void ExtensionLink::flush() {
  read_quiet_answers();
  if (!socket_) {
    return;
  }
  quiet_ += std::exchange(quiet_queued_, 0);
  while (!queue_.empty()) {
    if (auto sent = socket_->send(queue_.front().packet, queue_.front().files); !sent) {
      if (sent.error().code != ErrorCode::would_block) {
        // It may have said something before its end: that is read first.
        deaf_ = true;
        queue_.clear();
      }
      break;
    }
    queue_.pop_front();
  }
  const int answers = listens_ ? POLLIN : 0;
  loop_.set_events(*slot_, static_cast<short>(queue_.empty() ? answers : answers | POLLOUT));
}

void ExtensionLink::lose(std::string_view reason) {
  log_.debug(fmt::format("extension link: {}", reason));
  give_up();
  // Whoever sends is in the middle of something.
  loop_.after_round([this, process = processes_] {
    if (process == processes_) {
      events_.lost();
    }
  });
}

}  // namespace postlude::runtime
