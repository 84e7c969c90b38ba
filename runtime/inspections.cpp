#include "runtime/inspections.h"

#include "runtime/function_api.h"

#include <algorithm>
#include <utility>

namespace postlude::runtime {

void Inspections::ask(const Subject& subject, Reply reply) {
  open_.push_back({++last_query_,
                   subject.key.request_id,
                   subject.deadline,
                   subject.responded,
                   {},
                   std::move(reply)});
  link_.send(Inspect{subject.key, last_query_});
}

void Inspections::arrived(const TaskStates& states) {
  const auto found = std::find_if(open_.begin(), open_.end(), [&states](const Open& open) {
    return open.query == states.query;
  });
  if (found == open_.end()) {
    return;
  }
  found->tasks.insert(found->tasks.end(), states.tasks.begin(), states.tasks.end());
  if (states.last) {
    const Open open = std::move(*found);
    open_.erase(found);
    open.reply(inspection_result({open.request_id, open.deadline, open.responded, open.tasks}));
  }
}

void Inspections::give_up() {
  for (const Open& open : std::exchange(open_, {})) {
    open.reply(inspection_result({open.request_id, open.deadline, open.responded, open.tasks}));
  }
}

}  // namespace postlude::runtime
