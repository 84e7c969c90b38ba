#pragma once

#include "common/error.h"
#include "tests/emulator/fleet.h"
#include "tests/emulator/http_listener.h"

#include <cstdint>
#include <memory>

namespace postlude::emulator {

/// Lets a test do to an environment what the platform may do at any time: POST a command
/// (control_command.h) to 127.0.0.1; the answer says that it is done. README.md lists them.
/// Threads: those of the listener.
class ControlApi {
 public:
  [[nodiscard]] static Result<std::unique_ptr<ControlApi>> start(Fleet& fleet);
  [[nodiscard]] std::uint16_t port() const { return listener_->port(); }

 private:
  ControlApi() = default;
  std::unique_ptr<HttpListener> listener_;
};

}  // namespace postlude::emulator
