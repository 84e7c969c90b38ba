#pragma once

#include "common/error.h"
#include "tests/emulator/event_journal.h"
#include "tests/emulator/fleet.h"
#include "tests/emulator/http_listener.h"
#include "tests/emulator/options.h"

#include <cstdint>
#include <memory>

namespace postlude::emulator {

/// The Function URL on 127.0.0.1, without authentication (lambda-protocol.md 6.3), in the invoke
/// mode of the options. Reads requests as bytes: the event holds headers and bodies as they came,
/// which a server that decodes header values and takes forms apart cannot give.
class FunctionUrl {
 public:
  [[nodiscard]] static Result<std::unique_ptr<FunctionUrl>> start(const Options& options,
                                                                  Fleet& fleet,
                                                                  EventJournal& journal);
  [[nodiscard]] std::uint16_t port() const { return listener_->port(); }

 private:
  FunctionUrl() = default;
  std::unique_ptr<HttpListener> listener_;
};

}  // namespace postlude::emulator
