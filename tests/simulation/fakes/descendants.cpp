#include "extension/descendants.h"

namespace postlude::extension {

void Descendants::adopt_orphans() {}
// NOLINTNEXTLINE(performance-unnecessary-value-param): as the header says
void Descendants::task_started(pid_t /*leader*/, std::string /*task_id*/) {}
void Descendants::task_ended(pid_t /*leader*/) {}
void Descendants::child_changed() {}
void Descendants::await_deaths() {}

}  // namespace postlude::extension
