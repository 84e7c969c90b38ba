// How invocations end: closed, settled by the extension, handed to its successor, or dropped.
#include "common/receipt.h"
#include "runtime/invocation_flow.h"

#include <algorithm>
#include <utility>

namespace postlude::runtime {
namespace {

/// For an extension that is told late of the end of an invocation: this, or half of what is left.
constexpr Millis kLeastTime{500};

/// When an extension that has not settled by then is ended, so that the invocation is not.
EpochTime latest_release(EpochTime planned, EpochTime deadline, EpochTime now) {
  const Millis left = remaining(deadline, now);
  return std::max(planned,
                  now + (left > Millis::zero() ? std::min(kLeastTime, left / 2) : kLeastTime));
}

}  // namespace

void InvocationFlow::close(Open& open, HandOver hand_over) {
  const auto& about = open.invocation.about();
  const AnswerSummary answer = summary_of(open.invocation);
  if (hold_.extension() == ExtensionState::unavailable) {
    std::vector<ReceiptTask> dropped = std::move(open.dropped);
    if (!open.took_configured) {
      auto configured = journal_.drop(open.invocation);
      std::move(configured.begin(), configured.end(), std::back_inserter(dropped));
    }
    journal_.note_lost(about.key.sequence);
    write_receipt(about.key, answer, std::move(dropped));
    journal_.remove_lost(about.key.sequence);
  } else if (hand_over == HandOver::at_once) {
    const bool has_work = open.accepted > 0 || carried_ > 0;
    unsettled_.push_back(
        {{about.key, *open.work_deadline, answer},
         latest_release(journal_.release_deadline(open.invocation), about.deadline, now()),
         journal_.hold_deadline(open.invocation),
         open.told_answered,
         has_work});
    using Sending = ExtensionLink::Sending;
    link_.send(unsettled_.back().closed, {}, nobody_waits(open) ? Sending::quietly : Sending::soon);
    if (has_work && !overlap_) {
      hold_.work_pending(unsettled_.back().hold_deadline);
    }
  } else {
    write_receipt(about.key, answer, std::move(open.dropped));
  }
  for (const auto& timer : {open.timeout, open.deadline}) {
    if (timer) {
      loop_.cancel(*timer);
    }
  }
  const auto entry = std::find_if(
      open_.begin(), open_.end(), [&open](const auto& one) { return one.get() == &open; });
  std::unique_ptr<Open> closed = std::move(*entry);
  open_.erase(entry);
  if (overlap_) {
    linger(std::move(closed));
  } else {
    journal_.forget_numbers(about.key.sequence);
  }
  look_whether_over();
}

/// No word of the extension matters to anybody before the next invocation is closed.
bool InvocationFlow::nobody_waits(const Open& closing) const {
  return !overlap_ && open_.size() == 1 && closing.accepted == 0 && carried_ == 0 &&
         hold_.extension() == ExtensionState::registered && !inspections_.pending() &&
         !work_pending();
}

bool InvocationFlow::work_pending() const {
  return std::any_of(
      unsettled_.begin(), unsettled_.end(), [](const auto& entry) { return entry.has_work; });
}

bool InvocationFlow::awaits_extension() const {
  return !unsettled_.empty() || inspections_.pending() ||
         std::any_of(open_.begin(), open_.end(), [this](const auto& open) {
           return open->accepted > 0 || (open->told_answered && carried_ > 0);
         });
}

std::optional<EpochTime> InvocationFlow::release_deadline() const {
  std::optional<EpochTime> first;
  if (hold_.extension() == ExtensionState::registered) {
    for (const Unsettled& entry : unsettled_) {
      first = std::min(first.value_or(entry.release_deadline), entry.release_deadline);
    }
  }
  return first;
}

/// Where the shim polls in the extension's stead, work holds the environment until its end at most,
/// spills included, as it does with a held `next`.
void InvocationFlow::look_whether_over() {
  if (over_timer_) {
    loop_.cancel(*std::exchange(over_timer_, {}));
  }
  if (!open_.empty()) {
    return;
  }
  std::optional<EpochTime> held_until;
  for (const Unsettled& entry : unsettled_) {
    if (entry.has_work && entry.hold_deadline > now()) {
      held_until = std::max(held_until.value_or(EpochTime{}), entry.hold_deadline);
    }
  }
  if (!held_until) {
    events_.over();
  } else if (hold_.extension() == ExtensionState::taken_over) {
    over_timer_ = loop_.at(*held_until, [this] {
      over_timer_.reset();
      look_whether_over();
    });
  }
}

void InvocationFlow::settled(const Settled& settled) {
  // One `settled` for each `closed`: where invocations overlap the next may be under way already.
  const auto first = std::find_if(unsettled_.begin(), unsettled_.end(), [&](const auto& entry) {
    return entry.closed.key == settled.key;
  });
  if (first != unsettled_.end()) {
    unsettled_.erase(first);
  }
  journal_.settled(settled.key.sequence);
  note_carried(settled.carried, settled.carried_handlers);
  if (!work_pending()) {
    hold_.work_settled();
    events_.resume_polls();
    events_.settled();
  }
  look_whether_over();
}

void InvocationFlow::replayed(const Replayed& replayed) {
  note_carried(replayed.carried, replayed.carried_handlers);
  tell_of_carried_work();
}

void InvocationFlow::note_carried(int tasks, int handlers) {
  carried_ = tasks;
  carried_handlers_ = handlers;
  if (unsettled_.empty() && open_.empty() && carried_ == 0) {
    journal_.all_ended();
  }
}

/// An invocation that was answered before carried work was known of is its host all the same.
void InvocationFlow::tell_of_carried_work() {
  for (std::size_t i = open_.size(); i-- > 0;) {
    Open& open = *open_[i];
    if (open.work_deadline && carried_ > 0) {
      tell_answered(open);
    }
    if (open.invocation.over()) {
      advance(open);
    }
  }
}

void InvocationFlow::extension_is(ExtensionState state) {
  if (state == ExtensionState::unavailable) {
    extension_lost(Loss::no_successor);
    return;
  }
  hold_.extension_is(state);
  if (state != ExtensionState::starting) {
    events_.resume_polls();
  }
}

void InvocationFlow::extension_lost(Loss loss) {
  hold_.extension_is(ExtensionState::unavailable);
  leave_out_workless();
  end_lost(loss);
  inspections_.give_up();
  unsettled_.clear();
  carried_ = 0;
  carried_handlers_ = 0;
  forget_handlers();
  events_.settled();
  look_whether_over();
  events_.resume_polls();
}

/// Records are in the spool. What was told in messages alone is told again, in order.
void InvocationFlow::extension_replaced(ExtensionState state) {
  hold_.extension_is(state);
  lane_.disown();
  // Until the successor has said what it found.
  carried_ = std::max(carried_, journal_.handed_over_any() ? 1 : 0);
  leave_out_workless();
  for (const Unsettled& entry : unsettled_) {
    const InvocationKey& key = entry.closed.key;
    tell_again(key, entry.told_answered ? std::optional(entry.closed.work_deadline) : std::nullopt);
    link_.send(entry.closed);
  }
  for (const auto& open : open_) {
    tell_again(open->invocation.about().key,
               open->told_answered ? open->work_deadline : std::nullopt);
    // An attempt in the runtime ends first; then it is idle, and says so.
    open->told_idle = open->told_idle && lane_.busy();
  }
  inspections_.ask_again();
  tell_of_carried_work();
  if (state != ExtensionState::starting) {
    events_.resume_polls();
  }
  look_whether_over();
}

/// They may be over already: what the successor finds in the spool must not run in their time.
void InvocationFlow::leave_out_workless() {
  const auto workless = std::stable_partition(
      unsettled_.begin(), unsettled_.end(), [](const auto& entry) { return entry.has_work; });
  for (auto entry = workless; entry != unsettled_.end(); ++entry) {
    write_receipt(entry->closed.key, entry->closed.answer, {});
  }
  unsettled_.erase(workless, unsettled_.end());
}

void InvocationFlow::tell_again(const InvocationKey& key, std::optional<EpochTime> answered) {
  if (answered) {
    link_.send(Answered{key, *answered});
  }
  for (const Dropped& dropped : journal_.unkept(key.sequence)) {
    link_.send(dropped);
  }
}

/// An open invocation tells of its tasks when it is closed, unless the environment may end before.
void InvocationFlow::end_lost(Loss loss) {
  auto lost = journal_.lose(loss);
  std::vector<std::string> task_ids;
  std::vector<std::pair<InvocationKey, std::vector<ReceiptTask>>> receipts;
  for (auto& [key, task] : lost) {
    task_ids.push_back(task.id);
    if (Open* open = find(key.sequence); open != nullptr && loss == Loss::no_successor) {
      open->dropped.push_back(std::move(task));
      continue;
    }
    if (receipts.empty() || receipts.back().first != key) {
      receipts.push_back({key, {}});
    }
    receipts.back().second.push_back(std::move(task));
  }
  std::vector<std::uint64_t> told = journal_.lost_in();
  std::erase_if(told, [this, loss](std::uint64_t sequence) {
    return loss == Loss::no_successor && find(sequence) != nullptr;
  });
  for (const std::uint64_t sequence : told) {
    journal_.note_lost(sequence);
  }
  for (auto& [key, tasks] : receipts) {
    const auto closed =
        std::find_if(unsettled_.begin(), unsettled_.end(), [&key = key](const auto& entry) {
          return entry.closed.key == key;
        });
    write_receipt(key,
                  closed == unsettled_.end() ? std::nullopt
                                             : std::optional<AnswerSummary>(closed->closed.answer),
                  std::move(tasks));
  }
  for (const std::uint64_t sequence : told) {
    journal_.remove_lost(sequence);
  }
  events_.lost(task_ids);
}

AnswerSummary InvocationFlow::summary_of(const Invocation& invocation) {
  return {.event_time = invocation.about().event_time,
          .response_end = invocation.response_end(),
          .late_error_type = invocation.late_error_type(),
          .failed = invocation.outcome() != Outcome::success};
}

void InvocationFlow::write_receipt(const InvocationKey& key,
                                   const std::optional<AnswerSummary>& answer,
                                   std::vector<ReceiptTask> tasks) {
  Receipt receipt;
  receipt.request_id = key.request_id;
  receipt.tasks = std::move(tasks);
  if (answer) {
    receipt.response_time = answer->response_end - answer->event_time;
    receipt.held_time = remaining(now(), answer->response_end);
    receipt.late_error_type = answer->late_error_type;
    receipt.response_failed = answer->failed;
    receipt.response_repeated = answer->repeated;
  }
  if (receipt.tells() || answer) {
    receipts_.write(receipt, now());
  }
}

}  // namespace postlude::runtime
