#pragma once

#include "common/error.h"
#include "common/messages.h"
#include "extension/attempt_input.h"

#include <cstdint>
#include <optional>
#include <string>

namespace postlude::extension {

/// The event of a handler attempt, in a file without a name.
struct HandlerEvent {
  UniqueFd file;
  std::uint64_t bytes = 0;
};

/// `event` is the action's, its templates resolved; nothing: {"postlude": <task document>}, whose
/// event is copied in pieces. An `event` may hold a secret
/// and stays in memory; the document's file is made in `folder`, or in memory where that is gone.
[[nodiscard]] Result<HandlerEvent> write_handler_event(const std::optional<std::string>& event,
                                                       const AttemptInput& input,
                                                       const std::string& folder);

/// The word to the shim, with a new request id; `host` is the invocation in whose time it runs.
[[nodiscard]] Reenter reenter_for(const AttemptInput& input,
                                  const InvocationKey& host,
                                  std::uint64_t event_bytes);

}  // namespace postlude::extension
