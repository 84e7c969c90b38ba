#pragma once

#include "common/event_loop.h"
#include "common/log.h"
#include "common/messages.h"
#include "common/packet_socket.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace postlude::runtime {

/// The shim's end of the socket to the extension (common/PROTOCOL.md), of one process after the
/// other. Sending never waits: what the extension does not read yet is queued, in order. Runs on
/// the loop's thread.
class ExtensionLink {
 public:
  /// An extension that lets this many messages lie is taken for dead; their records are safe.
  static constexpr std::size_t kMaxQueuedMessages = 4096;

  struct Events {
    std::function<void(const Message&)> message;
    /// The connection is gone; send() drops from there on. Never from within send(): after the
    /// round.
    std::function<void()> lost;
    std::function<void()> connected;
    /// Something was sent, or queued.
    std::function<void()> sent;
  };

  ExtensionLink(EventLoop& loop, Log log, Events events)
      : loop_(loop), log_(log), events_(std::move(events)) {}
  ExtensionLink(const ExtensionLink&) = delete;
  ExtensionLink& operator=(const ExtensionLink&) = delete;
  ~ExtensionLink();

  /// For a process that is to be started: listens on an abstract name nobody else has. `hello` is
  /// sent first to whoever connects. What was queued for the process before it is discarded.
  [[nodiscard]] Result<void> listen(const Hello& hello);
  /// To one that was there first and listens itself. Nothing is sent.
  [[nodiscard]] Result<void> connect(const std::string& name);
  [[nodiscard]] const std::string& name() const { return name_; }
  /// Nothing sent will arrive any more.
  [[nodiscard]] bool is_lost() const { return lost_; }

  enum class Sending {
    soon,       ///< after this round, so that what the round is for comes first
    with_next,  ///< along with the next one that goes soon: before it there is nothing to do
    /// Soon, and its answer, a `settled`, is to wake nobody: it is read before the next message
    /// goes. Only if nothing else is expected from the extension.
    quietly,
    now,
  };

  /// In order; before the extension has connected too. Open files go along, unless many messages
  /// wait: descriptors are few, and files have names as well.
  void send(const Message& message,
            std::vector<UniqueFd> files = {},
            Sending sending = Sending::soon);
  /// The open files that came with the message being handled; once.
  [[nodiscard]] std::vector<UniqueFd> take_files() { return socket_->take_descriptors(); }
  /// Nothing that the extension may say would wake the loop.
  [[nodiscard]] bool rests() const { return !listens_; }
  /// Reads what has arrived, before the silence of the extension is held against it.
  void catch_up();
  /// The extension's process is gone: reads what it had sent, and sends nothing any more.
  void drain();
  /// The same without reading.
  void give_up();

 private:
  struct Queued {
    std::string packet;
    std::vector<UniqueFd> files;
  };

  void accept();
  void attach(PacketSocket socket);
  void on_ready(short revents);
  void receive_some();
  /// One packet, if there is one.
  bool receive();
  void flush_soon();
  void flush();
  void read_quiet_answers();
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
  std::size_t sent_since_read_ = 0;
  std::size_t quiet_queued_ = 0;  ///< messages whose answers are to wake nobody: ...
  std::size_t quiet_ = 0;         ///< ... and those whose answers were not read yet
  bool listens_ = true;           ///< what the extension says wakes the loop
  bool flush_pending_ = false;    ///< at the end of this round
  bool lost_ = true;              ///< there is no process that could read
  bool deaf_ = false;  ///< its end takes nothing any more; what it sent is still to be read
  std::uint64_t processes_ = 0;
};

}  // namespace postlude::runtime
