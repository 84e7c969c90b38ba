#pragma once

#include "common/spool_format.h"

#include <string>
#include <string_view>

namespace postlude::extension {

/// The task document (contract.md 4.4) around its event. The event can be 6 MB and stays in its
/// file; its bytes belong between the two texts ("null" where there is none).
struct TaskDocument {
  std::string before_event;
  std::string after_event;
};

struct DocumentParts {
  const TaskRecord& record;
  int attempt = 1;  ///< from 1
  EpochTime work_deadline;
  std::string_view response;  ///< JSON text
  std::string_view error;     ///< JSON text
};

/// All keys are always there; a value that is absent is null. One line feed ends the document.
/// Pure.
[[nodiscard]] TaskDocument task_document(const DocumentParts& parts);

}  // namespace postlude::extension
