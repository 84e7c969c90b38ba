#pragma once

#include "common/error.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace postlude::extension {

/// Work that cannot be finished here (contract.md 4.5). Views; JSON texts where nothing else is
/// said.
struct DeadLetter {
  std::string_view id;     ///< text
  std::string_view state;  ///< text: what it would have ended as
  int attempts = 0;
  std::optional<std::string_view> last_error;  ///< text
  std::string_view definition;                 ///< of the task, templates unresolved
  // The task document around its event (task_document.h).
  std::string_view before_event;
  std::optional<std::string_view> event;  ///< nothing: over any limit
  std::string_view after_event;
};

/// The letter's JSON text. Over `limit` bytes the document's event, then its response become null,
/// and its `truncated` names them. Still longer is an error that names limit and size. Of an event
/// that does not fit no copy is made. Pure.
[[nodiscard]] Result<std::string> dead_letter_body(const DeadLetter& letter, std::size_t limit);

}  // namespace postlude::extension
