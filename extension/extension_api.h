#pragma once

#include "common/extensions_protocol.h"
#include "common/messages.h"
#include "common/platform_connection.h"

#include <functional>
#include <string>
#include <string_view>

namespace postlude::extension {

/// The platform's Extensions API as this process uses it: one registration, then polls, one at a
/// time and never repeated. Decides nothing; on the thread of the loop.
class ExtensionApi {
 public:
  struct Handlers {
    std::function<void(const Registered&)> registered;  ///< exactly once
    std::function<void(const PlatformEvent&)> event;
    std::function<void(const Error&)> refused;  ///< a poll was refused or lost
  };

  /// `runtime_api` is host:port of the platform, never of the proxy.
  ExtensionApi(EventLoop& loop, std::string runtime_api, Handlers handlers)
      : connection_(loop, std::move(runtime_api)), handlers_(std::move(handlers)) {}

  /// Under that name; once.
  void register_as(std::string_view name, Subscription events);
  using Reading = PlatformConnection::Reading;
  /// Only after a registration that was accepted, and while no poll is under way.
  void ask_next(Reading reading = Reading::at_once);
  /// The shim speaks of an invocation, so its INVOKE is due.
  void attend() { connection_.attend(); }
  /// A poll is under way: neither answered nor refused.
  [[nodiscard]] bool asking() const { return asking_; }

 private:
  void on_registration(const Result<PlatformAnswer>& answer);
  void on_event(const Result<PlatformAnswer>& answer);

  PlatformConnection connection_;
  Handlers handlers_;
  std::string identifier_;
  bool asking_ = false;
};

}  // namespace postlude::extension
