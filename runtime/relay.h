#pragma once

#include "runtime/lingering_close.h"
#include "runtime/relay_connection.h"
#include "runtime/relay_context.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace postlude::runtime {

/// The loopback proxy of the Runtime API: listens, and owns the connections. Any number of them;
/// runs on the loop's thread.
class Relay {
 public:
  /// Listens at once, so that a runtime that connects early is never refused. Everything passed
  /// must outlive the relay.
  [[nodiscard]] static Result<std::unique_ptr<Relay>> listen(EventLoop& loop,
                                                             const TcpAddress& platform,
                                                             RelayTraffic& traffic,
                                                             ResponseMode response_mode);
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  ~Relay() = default;

  /// "127.0.0.1:port": plain host:port is all that every runtime client understands.
  [[nodiscard]] const std::string& address() const { return address_; }

  /// The answer to may_poll may have changed.
  void resume_polls();

  /// Everything the runtime sent has passed, on connections that are all closed.
  [[nodiscard]] bool drained() const;
  /// Something the runtime posted whole has no answer of the platform yet.
  [[nodiscard]] bool awaits_answer() const;
  /// Called whenever a connection has gone.
  void on_ended(std::function<void()> handler) { on_ended_ = std::move(handler); }

 private:
  Relay(RelayContext context, TcpListener listener);

  void accept_all();
  void forget(const RelayConnection& connection);
  void close_gently(UniqueFd socket);
  [[nodiscard]] std::optional<OrphanPoll> take_orphan(ExchangeKind kind);

  RelayContext context_;
  RelaySocket listener_;
  std::string address_;
  std::vector<std::unique_ptr<RelayConnection>> connections_;
  std::vector<std::unique_ptr<LingeringClose>> closing_;
  std::vector<OrphanPoll> orphans_;
  std::function<void()> on_ended_ = [] {};
};

}  // namespace postlude::runtime
