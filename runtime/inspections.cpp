#include "runtime/inspections.h"

#include "runtime/function_api.h"

#include <algorithm>
#include <utility>

namespace postlude::runtime {
namespace {

std::string result_of(const Inspections::Subject& subject, const std::vector<TaskStatus>& tasks) {
  return inspection_result({subject.key.request_id, subject.deadline, subject.responded, tasks});
}

}  // namespace

void Inspections::ask(const Subject& subject, Reply reply) {
  open_.push_back({++last_query_, subject, {}, std::move(reply)});
  link_.send(Inspect{subject.key, last_query_});
}

void Inspections::ask_again() {
  for (Open& open : open_) {
    open.tasks.clear();
    link_.send(Inspect{open.subject.key, open.query});
  }
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
    open.reply(result_of(open.subject, open.tasks));
  }
}

void Inspections::give_up() {
  for (const Open& open : std::exchange(open_, {})) {
    open.reply(result_of(open.subject, open.tasks));
  }
}

}  // namespace postlude::runtime
