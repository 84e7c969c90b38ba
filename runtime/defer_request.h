#pragma once

#include "common/task.h"
#include "runtime/function_api.h"

#include <tl/expected.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace postlude::runtime {

/// Contract.md 5: a larger payload is 413.
inline constexpr std::size_t kMaxPayloadBytes = std::size_t{1} << 20;
/// Of a whole request: the payload, and a definition as long as a configuration may be.
inline constexpr std::size_t kMaxDeferBytes = kMaxPayloadBytes + (std::size_t{64} << 10);

/// What a function defers with POST .../tasks.
struct DeferRequest {
  Task task;
  std::string payload;  ///< JSON text as the function wrote it; "null" where it gave none
};

/// Reads {"task": "name", "payload": any}, where the name is one of `configured`, or an inline
/// task:
/// {"payload": any, "command": [...], ...} with the keys of a configured task except trigger, when
/// and match; without a name it is called as its action. Errors are 400, 404 and 413 and name every
/// problem. Pure.
[[nodiscard]] tl::expected<DeferRequest, ApiError> parse_defer_request(
    std::string_view body, const std::vector<Task>& configured);

}  // namespace postlude::runtime
