#include "tests/unit/extension/schedule_fixture.h"

#include <fmt/format.h>

#include <algorithm>

namespace postlude::testing {

using extension::Accounting;
using extension::AttemptResult;
using extension::EndTask;
using extension::kMostInterruptions;
using extension::NoteInterruption;
using extension::ReleaseInvocation;
using extension::SpillTask;
using extension::StartAttempt;
using extension::Step;
using extension::Steps;
using extension::StopAttempt;
using extension::WriteReceipt;

namespace {

constexpr Millis kMargin = Millis(500);
constexpr Millis kShutdownTime = Millis(400);

bool is_final(TaskState state) {
  return state == TaskState::done || state == TaskState::failed || state == TaskState::expired ||
         state == TaskState::dropped || state == TaskState::spilled;
}

}  // namespace

InvocationKey ScheduleUnderTest::key(std::uint64_t invocation) {
  return {fmt::format("r{}", invocation), invocation};
}

ScheduleUnderTest::Lines ScheduleUnderTest::accept(const TaskPlan& plan) {
  TaskRecord record;
  record.key = key(plan.invocation);
  record.id = fmt::format("{}/{}/{}", record.key.request_id, plan.name, plan.number);
  record.work_deadline = now_ + std::chrono::seconds(10);
  record.deadline = record.work_deadline + kMargin;
  record.task.name = plan.name;
  record.task.attempts = plan.attempts;
  record.task.timeout = plan.timeout;
  record.task.backoff = plan.backoff;
  if (plan.kind == TaskPlan::Kind::handler) {
    record.task.action = HandlerAction{};
    handlers_.insert(plan.number);
  }
  if (plan.kind == TaskPlan::Kind::call) {
    record.task.action = HttpAction{};
  }
  if (plan.dead_letter == TaskPlan::DeadLetter::yes) {
    record.task.dead_letter = "arn:aws:sqs:eu-west-1:123456789012:dead";
  }
  const RecordName name{plan.number, 0, plan.interruptions};
  if (!schedule_.seen(plan.number)) {
    records_.emplace(plan.number, name);
    ++accepted_;
  }
  return judge(schedule_.accepted(name, record, now_, plan.start));
}

ScheduleUnderTest::Lines ScheduleUnderTest::answer(std::uint64_t invocation, Millis time_left) {
  return judge(schedule_.answered({key(invocation), now_ + time_left}, now_));
}

ScheduleUnderTest::Lines ScheduleUnderTest::close(std::uint64_t invocation, Millis time_left) {
  Closed closed;
  closed.key = key(invocation);
  closed.work_deadline = now_ + time_left;
  closed.answer = {now_ - Millis(30), now_ - Millis(10), std::nullopt};
  return judge(schedule_.closed(closed, now_));
}

ScheduleUnderTest::Lines ScheduleUnderTest::result(std::uint64_t number,
                                                   const AttemptResult& result,
                                                   double random) {
  running_.erase(number);
  return judge(schedule_.attempt_ended(number, result, now_, random));
}

ScheduleUnderTest::Lines ScheduleUnderTest::pass(Millis time) {
  now_ += time;
  return judge(schedule_.time_passed(now_));
}

ScheduleUnderTest::Lines ScheduleUnderTest::thaw(Millis time) {
  now_ += time;
  return judge(schedule_.thawed(now_));
}

ScheduleUnderTest::Lines ScheduleUnderTest::shut_down() {
  return judge(schedule_.shut_down(now_, now_ + kShutdownTime));
}

ScheduleUnderTest::Lines ScheduleUnderTest::idle(std::uint64_t invocation) {
  return judge(schedule_.idle(key(invocation), now_));
}

void ScheduleUnderTest::reentered(std::uint64_t number) {
  schedule_.handler_request(number, fmt::format("attempt-{}", number));
}

ScheduleUnderTest::Lines ScheduleUnderTest::spilled(std::uint64_t number,
                                                    const std::string& trouble) {
  spilling_.erase(number);
  return judge(schedule_.spill_ended(number, trouble, now_));
}

ScheduleUnderTest::Lines ScheduleUnderTest::drop(std::uint64_t invocation) {
  ++accepted_;
  return judge(schedule_.dropped(
      {key(invocation), fmt::format("record-{}", accepted_), "", "record unreadable"}, now_));
}

std::optional<Millis> ScheduleUnderTest::due_in() const {
  const auto due = schedule_.next_due();
  return due ? std::optional(*due - now_) : std::nullopt;
}

ScheduleUnderTest::Lines ScheduleUnderTest::judge(const Steps& steps) {
  Lines lines;
  for (const Step& step : steps) {
    lines.push_back(std::visit([this](const auto& value) { return judge_step(value); }, step));
    const auto* start = std::get_if<StartAttempt>(&step);
    if (start != nullptr && reaches_runtime_ && handlers_.contains(start->after.number)) {
      reentered(start->after.number);
    }
  }
  const Accounting books = schedule_.accounting();
  CHECK(books.balanced());
  CHECK(books.accepted == accepted_);
  CHECK(books.held == static_cast<int>(records_.size()));
  const auto handlers = std::count_if(
      running_.begin(), running_.end(), [this](auto number) { return handlers_.contains(number); });
  CHECK(handlers <= 1);
  const auto own_lane = concurrency_ == 1 ? 0 : handlers;
  CHECK(static_cast<int>(running_.size()) - own_lane <= concurrency_);
  if (const auto due = schedule_.next_due()) {
    CHECK_MESSAGE(*due > now_, "the schedule would be asked again and again");
  }
  return lines;
}

std::string ScheduleUnderTest::judge_step(const StartAttempt& step) {
  CHECK(records_.at(step.before.number) == step.before);
  CHECK(step.after.attempts == step.before.attempts + 1);
  CHECK(step.work_deadline > now_);
  CHECK(running_.insert(step.after.number).second);
  records_.at(step.after.number) = step.after;
  return fmt::format("start {}", step.after.number);
}

std::string ScheduleUnderTest::judge_step(const StopAttempt& step) {
  if (spilling_.erase(step.number) == 0) {
    CHECK(running_.contains(step.number));
    if (step.grace == Millis::zero()) {
      running_.erase(step.number);
    }
  }
  return fmt::format("stop {} within {}", step.number, step.grace.count());
}

std::string ScheduleUnderTest::judge_step(const NoteInterruption& step) {
  CHECK(records_.at(step.before.number) == step.before);
  CHECK(step.after.attempts == step.before.attempts - 1);
  CHECK(step.after.interruptions == step.before.interruptions + 1);
  CHECK(step.after.interruptions <= kMostInterruptions);
  records_.at(step.after.number) = step.after;
  return fmt::format(
      "note {}-{}-{}", step.after.number, step.after.attempts, step.after.interruptions);
}

std::string ScheduleUnderTest::judge_step(const EndTask& step) {
  REQUIRE(records_.contains(step.name.number));
  CHECK(records_.at(step.name.number) == step.name);
  CHECK(step.was_running == running_.contains(step.name.number));
  records_.erase(step.name.number);
  running_.erase(step.name.number);
  spilling_.erase(step.name.number);
  return fmt::format("end {}{}", step.name.number, step.was_running ? " at once" : "");
}

std::string ScheduleUnderTest::judge_step(const SpillTask& step) {
  CHECK(records_.at(step.name.number) == step.name);
  CHECK(spilling_.insert(step.name.number).second);
  CHECK(step.until > now_);
  running_.erase(step.name.number);
  return fmt::format("spill {}: {}", step.name.number, step.why);
}

std::string ScheduleUnderTest::judge_step(const HandlersDone& step) {
  return fmt::format("handlers done {}", step.key.request_id);
}

std::string ScheduleUnderTest::judge_step(const WriteReceipt& step) {
  std::string text = fmt::format("receipt {}:", step.receipt.request_id);
  for (const ReceiptTask& task : step.receipt.tasks) {
    CHECK((is_final(task.state) || task.state == TaskState::carried));
    if (is_final(task.state)) {
      CHECK_MESSAGE(final_states_.insert(task.id).second, "a second end of ", task.id);
    }
    text += fmt::format(" {} {}", task.name.empty() ? "?" : task.name, state_name(task.state));
  }
  receipts_.push_back(step.receipt);
  return text;
}

std::string ScheduleUnderTest::judge_step(const ReleaseInvocation& step) {
  CHECK_MESSAGE(released_.insert(step.key.sequence).second, "a second release");
  return fmt::format(
      "release {}/{} carrying {}", step.key.request_id, step.key.sequence, step.carried);
}

}  // namespace postlude::testing
