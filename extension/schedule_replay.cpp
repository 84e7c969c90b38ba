// What a process makes of the records that an earlier one left (common/SPOOL.md).
#include "extension/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

namespace postlude::extension {
namespace {

/// Words that went with the process that knew them.
constexpr std::string_view kReasonLost = "the reason is not known any more after a crash";

}  // namespace

Steps Schedule::replayed(const std::vector<FoundRecord>& found,
                         std::uint64_t last_record,
                         EpochTime now) {
  unseen_ = std::max(unseen_, last_record + 1);
  // They are told apart from the invocations that are open, or will be.
  std::map<std::uint64_t, Open> told;
  Steps steps;
  for (const FoundRecord& one : found) {
    Held& task = hold(one.name, *one.record);
    Open& teller = told[task.accepted_in.sequence];
    teller.key = task.accepted_in;
    resume(task, *one.record, teller);
    if (has_ended(task.state)) {
      if (task.noted != task.name) {
        steps.emplace_back(EndTask{task.noted, task.name, task.accepted_in});
      }
      held_.erase(one.name.number);
    }
  }
  for (auto& [sequence, teller] : told) {
    write_receipt(teller, now, steps);
  }
  return advance(now, std::move(steps));
}

Steps Schedule::unreadable(const UnreadableRecord& record) {
  const RecordName& name = record.name;
  const TaskState state = end_of(name.mark).value_or(TaskState::dropped);
  ++ended_.accepted;
  count_end(state);
  ReceiptTask task;
  task.id = record.owner.id;
  task.name = task_name_of(record.owner.id);
  task.state = state;
  task.attempts = name.attempts;
  if (state != TaskState::done) {
    task.why = state == TaskState::dropped ? record.why : std::string(kReasonLost);
  }
  Receipt receipt;
  receipt.request_id = record.owner.request_id;
  receipt.tasks.push_back(std::move(task));
  return {WriteReceipt{std::move(receipt)}, RemoveRecord{name}};
}

/// An attempt that was under way was cut by a crash.
void Schedule::resume(Held& task, const TaskRecord& record, Open& teller) {
  if (const auto state = end_of(task.name.mark)) {
    end_in(teller, task, *state, *state == TaskState::done ? "" : std::string(kReasonLost));
    return;
  }
  if (task.name.mark == RecordMark::spilling) {
    const bool used_up = task.name.attempts >= task.attempts;
    const bool cut = task.name.interruptions == kMostInterruptions || !record.task.replay;
    task.ending =
        Ending{!used_up && cut ? TaskState::expired : TaskState::failed, std::string(kReasonLost)};
    return;
  }
  if (task.name.mark != RecordMark::running) {
    return;
  }
  const bool may_go_on = take_back_attempt(task);
  if (may_go_on && record.task.replay) {
    return;
  }
  Ending ending{TaskState::expired,
                record.task.replay
                    ? fmt::format("cut short {} times, at last by a crash", kMostInterruptions + 1)
                    : "interrupted by a crash, and replay is false"};
  if (task.has_dead_letter) {
    task.ending = std::move(ending);
  } else {
    end_in(teller, task, ending.state, std::move(ending.why));
  }
}

}  // namespace postlude::extension
