#pragma once

#include "common/spool_format.h"
#include "common/unique_fd.h"
#include "extension/document_feed.h"
#include "extension/task_document.h"

#include <cstdint>
#include <string>

namespace postlude::extension {

/// What one attempt of a task, or its way to the dead letter, works with: a copy of its own, which
/// another thread may have.
struct AttemptInput {
  TaskRecord record;
  int attempt = 1;          ///< from 1
  EpochTime work_deadline;  ///< of the invocation in whose time it runs
  EpochTime until;          ///< the schedule ends it then
  UniqueFd event_file;      ///< none: there is no event
  std::uint64_t event_bytes = 0;
  std::string response = "null";  ///< JSON text, as the task document has it
  std::string error = "null";     ///< the same

  [[nodiscard]] EventFile event() const { return {event_file.get(), event_bytes}; }
  [[nodiscard]] TaskDocument document() const {
    return task_document({.record = record,
                          .attempt = attempt,
                          .work_deadline = work_deadline,
                          .response = response,
                          .error = error});
  }
};

}  // namespace postlude::extension
