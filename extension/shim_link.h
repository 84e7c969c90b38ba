#pragma once

#include "common/event_loop.h"
#include "common/messages.h"
#include "common/packet_socket.h"

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace postlude::extension {

/// The socket to the shim: messages in, messages out (common/PROTOCOL.md). On the thread of the
/// loop.
class ShimLink {
 public:
  struct Handlers {
    std::function<void(const Message&)> message;
    std::function<void(const Error&)> garbage;  ///< a packet that is no message; it is ignored
    std::function<void()> closed;               ///< the shim is gone; once
  };

  ShimLink(EventLoop& loop, PacketSocket socket, Handlers handlers);
  /// Without a shim yet: what is sent before attach() goes nowhere.
  ShimLink(EventLoop& loop, Handlers handlers);
  ShimLink(const ShimLink&) = delete;
  ShimLink& operator=(const ShimLink&) = delete;
  ~ShimLink();

  /// The shim is there. Once.
  void attach(PacketSocket socket);
  /// The shim can be talked to: it is there, and has not gone.
  [[nodiscard]] bool open() const { return open_; }
  /// Nobody speaks to it any more. `closed` is not called.
  void hang_up();

  /// In order. What a shim that does not read leaves unsent is queued; too much of it counts as a
  /// closed link. Open files go along, where the kernel takes them.
  void send(const Message& message, std::vector<UniqueFd> files = {});

  /// The open files that came with the message being handled; once.
  [[nodiscard]] std::vector<UniqueFd> take_files() { return socket_->take_descriptors(); }

 private:
  void ready(short revents);
  void receive_all();
  void send_queued();
  void close();

  EventLoop& loop_;
  std::optional<PacketSocket> socket_;
  Handlers handlers_;
  EventLoop::Slot slot_ = 0;
  struct Queued {
    std::string packet;
    std::vector<UniqueFd> files;
  };
  std::deque<Queued> queue_;
  bool open_ = false;
};

}  // namespace postlude::extension
