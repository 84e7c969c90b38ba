#pragma once

#include "common/event_loop.h"
#include "common/log.h"
#include "common/messages.h"
#include "common/packet_socket.h"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace postlude::runtime {

/// The shim's end of the socket to the extension (common/PROTOCOL.md). Sending never waits: what
/// the extension does not read yet is queued, in order. Runs on the loop's thread.
class ExtensionLink {
 public:
  /// An extension that lets this many messages lie is taken for dead; their records are safe.
  static constexpr std::size_t kMaxQueuedMessages = 4096;

  struct Events {
    std::function<void(const Message&)> message;
    /// The connection is gone; send() drops from there on. Never from within send(): after the
    /// round.
    std::function<void()> lost;
  };

  /// Listens on an abstract name nobody else has. `hello` is sent first to whoever connects.
  [[nodiscard]] static Result<std::unique_ptr<ExtensionLink>> listen(EventLoop& loop,
                                                                     Log log,
                                                                     Hello hello,
                                                                     Events events);
  /// To an extension that listens itself; nothing may be sent before connect().
  [[nodiscard]] static std::unique_ptr<ExtensionLink> unconnected(EventLoop& loop,
                                                                  Log log,
                                                                  Events events);
  [[nodiscard]] Result<void> connect(const std::string& name);
  ExtensionLink(const ExtensionLink&) = delete;
  ExtensionLink& operator=(const ExtensionLink&) = delete;
  ~ExtensionLink();

  [[nodiscard]] const std::string& name() const { return name_; }
  /// Nothing sent will arrive any more.
  [[nodiscard]] bool is_lost() const { return lost_; }

  /// In order; before the extension has connected too. Open files go along, unless many messages
  /// wait: descriptors are few, and files have names as well.
  void send(const Message& message, std::vector<UniqueFd> files = {});
  /// The open files that came with the message being handled; once.
  [[nodiscard]] std::vector<UniqueFd> take_files() { return socket_->take_descriptors(); }
  /// The extension's process is gone: what is queued will not be sent.
  void give_up();

 private:
  struct Queued {
    std::string packet;
    std::vector<UniqueFd> files;
  };

  ExtensionLink(EventLoop& loop, Log log, std::string name, Events events);

  void accept();
  void attach(PacketSocket socket);
  void on_ready(short revents);
  void receive();
  void flush();
  void lose(std::string_view reason);

  EventLoop& loop_;
  Log log_;
  std::string name_;
  Events events_;
  std::optional<PacketListener> listener_;
  std::optional<PacketSocket> socket_;
  std::optional<EventLoop::Slot> listener_slot_;
  std::optional<EventLoop::Slot> slot_;
  std::deque<Queued> queue_;
  bool lost_ = false;
};

}  // namespace postlude::runtime
