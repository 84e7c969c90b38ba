#include "tests/unit/extension/schedule_fixture.h"

#include <fmt/format.h>

#include <algorithm>

namespace postlude::testing {

using extension::Accounting;
using extension::AttemptResult;
using extension::EndTask;
using extension::FoundRecord;
using extension::kMostInterruptions;
using extension::NoteState;
using extension::ReleaseInvocation;
using extension::RemoveRecord;
using extension::Schedule;
using extension::SpillTask;
using extension::StartAttempt;
using extension::Step;
using extension::Steps;
using extension::StopAttempt;
using extension::WriteReceipt;

namespace {

constexpr Millis kMargin = Millis(500);
constexpr Millis kShutdownTime = Millis(400);

TaskState state_of(RecordMark ended) {
  switch (ended) {
    case RecordMark::done:
      return TaskState::done;
    case RecordMark::failed:
      return TaskState::failed;
    case RecordMark::spilled:
      return TaskState::spilled;
    case RecordMark::expired:
      return TaskState::expired;
    case RecordMark::dropped:
      return TaskState::dropped;
    default:
      return TaskState::running;
  }
}

bool is_held(RecordMark mark) {
  return mark == RecordMark::waiting || mark == RecordMark::running || mark == RecordMark::spilling;
}

bool is_final(TaskState state) {
  return state == TaskState::done || state == TaskState::failed || state == TaskState::expired ||
         state == TaskState::dropped || state == TaskState::spilled;
}

}  // namespace

InvocationKey ScheduleUnderTest::key(std::uint64_t invocation) {
  return {fmt::format("r{}", invocation), invocation};
}

TaskRecord ScheduleUnderTest::record_of(const TaskPlan& plan) {
  TaskRecord record;
  record.key = key(plan.invocation);
  record.id = fmt::format("{}/{}/{}", record.key.request_id, plan.name, plan.number);
  record.work_deadline = now_ + std::chrono::seconds(10);
  record.deadline = record.work_deadline + kMargin;
  record.task.name = plan.name;
  record.task.attempts = plan.attempts;
  record.task.timeout = plan.timeout;
  record.task.backoff = plan.backoff;
  record.task.replay = plan.replay == TaskPlan::Replay::yes;
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
  return record;
}

ScheduleUnderTest::Lines ScheduleUnderTest::accept(const TaskPlan& plan) {
  const TaskRecord record = record_of(plan);
  const RecordName name{plan.number, 0, plan.interruptions};
  if (!schedule_.seen(plan.number)) {
    records_.emplace(plan.number, name);
    plans_[plan.number] = record;
    ++accepted_;
  }
  return judge(schedule_.accepted(name, record, now_, plan.start));
}

void ScheduleUnderTest::leave(const TaskPlan& plan, int attempts, RecordMark mark) {
  records_.emplace(plan.number, RecordName{plan.number, attempts, plan.interruptions, mark});
  plans_[plan.number] = record_of(plan);
  starts_[plan.number] = attempts;
}

ScheduleUnderTest::Lines ScheduleUnderTest::crash() {
  steps_left_.reset();
  running_.clear();
  spilling_.clear();
  released_.clear();
  std::vector<FoundRecord> found;
  for (const auto& [number, name] : records_) {
    found.push_back({name, &plans_.at(number)});
    if (name.mark == RecordMark::running && !plans_.at(number).task.replay) {
      never_again_.insert(number);
    }
    if (ends_.contains(plans_.at(number).id)) {
      retold_.insert(plans_.at(number).id);
    }
  }
  accepted_ = static_cast<int>(found.size());
  schedule_ = Schedule(concurrency_, kMargin);
  return judge(schedule_.replayed(found, plans_.empty() ? 0 : plans_.rbegin()->first, now_));
}

int ScheduleUnderTest::starts(std::uint64_t number) const {
  const auto found = starts_.find(number);
  return found == starts_.end() ? 0 : found->second;
}

void ScheduleUnderTest::wind_up(std::uint64_t invocation) {
  using namespace std::chrono_literals;
  steps_left_.reset();
  for (std::uint64_t earlier = 1; earlier < invocation; ++earlier) {
    close(earlier, 60s);
  }
  for (int round = 0; round < 100 && schedule_.accounting().held > 0; ++round) {
    answer(invocation, 60s);
    idle(invocation);
    while (!running_.empty() || !spilling_.empty()) {
      if (running_.empty()) {
        spilled(*spilling_.begin());
      } else {
        success(*running_.begin());
      }
      idle(invocation);
    }
    close(invocation, 60s);
    ++invocation;
    pass(due_in().value_or(1s));
  }
  CHECK(schedule_.accounting().held == 0);
  CHECK_FALSE(due_in());
  judge_end();
}

void ScheduleUnderTest::judge_end() const {
  CHECK(records_.empty());
  for (const auto& [number, plan] : plans_) {
    const std::string& id = plan.id;
    CAPTURE(id);
    const auto end = ends_.find(id);
    REQUIRE(end != ends_.end());
    const bool ran = starts(number) > 0;
    CHECK((ran || end->second == TaskState::spilled ||
           (shut_down_ && end->second == TaskState::expired)));
  }
}

int ScheduleUnderTest::lost() const {
  return static_cast<int>(std::count_if(plans_.begin(), plans_.end(), [this](const auto& plan) {
    return !records_.contains(plan.first) && !ends_.contains(plan.second.id);
  }));
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
  shut_down_ = true;
  return judge(schedule_.shut_down(now_, now_ + kShutdownTime));
}

ScheduleUnderTest::Lines ScheduleUnderTest::last_words() {
  return judge(schedule_.last_words());
}

ScheduleUnderTest::Lines ScheduleUnderTest::start_over() {
  return judge(schedule_.shut_down(
      now_, now_ + kShutdownTime, extension::Schedule::Aftermath::next_generation));
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
      {key(invocation), fmt::format("record-{}", ++drops_), "", "record unreadable"}, now_));
}

std::optional<Millis> ScheduleUnderTest::due_in() const {
  const auto due = schedule_.next_due();
  return due ? std::optional(*due - now_) : std::nullopt;
}

ScheduleUnderTest::Lines ScheduleUnderTest::judge(const Steps& steps) {
  Lines lines;
  for (const Step& step : steps) {
    if (steps_left_ && (*steps_left_)-- == 0) {
      crash();
      return lines;
    }
    std::string line = std::visit([this](const auto& value) { return judge_step(value); }, step);
    if (!line.empty()) {
      lines.push_back(std::move(line));
    }
    const auto* start = std::get_if<StartAttempt>(&step);
    if (start != nullptr && reaches_runtime_ && handlers_.contains(start->after.number)) {
      reentered(start->after.number);
    }
  }
  judge_books();
  return lines;
}

void ScheduleUnderTest::judge_books() {
  const Accounting books = schedule_.accounting();
  CHECK(books.balanced());
  CHECK(books.accepted == accepted_);
  CHECK(books.held == std::count_if(records_.begin(), records_.end(), [](const auto& entry) {
          return is_held(entry.second.mark);
        }));
  CHECK(lost() == 0);
  for (const auto& [number, name] : records_) {
    CHECK((name.mark == RecordMark::running) == running_.contains(number));
  }
  const auto handlers = std::count_if(
      running_.begin(), running_.end(), [this](auto number) { return handlers_.contains(number); });
  CHECK(handlers <= 1);
  const auto own_lane = concurrency_ == 1 ? 0 : handlers;
  CHECK(static_cast<int>(running_.size()) - own_lane <= concurrency_);
  if (const auto due = schedule_.next_due()) {
    CHECK_MESSAGE(*due > now_, "the schedule would be asked again and again");
  }
}

void ScheduleUnderTest::judge_rename(const RecordName& before, const RecordName& after) {
  REQUIRE(records_.contains(before.number));
  CHECK(records_.at(before.number) == before);
  CHECK(after.number == before.number);
  CHECK(after != before);
  CHECK(after.interruptions <= kMostInterruptions);
  // What is taken back was interrupted.
  if (after.attempts < before.attempts) {
    CHECK(after.attempts == before.attempts - 1);
    CHECK(before.mark == RecordMark::running);
    CHECK(after.interruptions == std::min(before.interruptions + 1, kMostInterruptions));
  } else {
    CHECK(after.interruptions == before.interruptions);
  }
  records_.at(after.number) = after;
}

std::string ScheduleUnderTest::judge_step(const StartAttempt& step) {
  judge_rename(step.before, step.after);
  CHECK(step.after.attempts == step.before.attempts + 1);
  CHECK(step.after.mark == RecordMark::running);
  CHECK(step.work_deadline > now_);
  CHECK(running_.insert(step.after.number).second);
  const TaskRecord& plan = plans_.at(step.after.number);
  CHECK(++starts_[step.after.number] <= plan.task.attempts + kMostInterruptions);
  CHECK_FALSE(never_again_.contains(step.after.number));
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

std::string ScheduleUnderTest::judge_step(const NoteState& step) {
  judge_rename(step.before, step.after);
  CHECK((step.after.mark == RecordMark::waiting || step.after.mark == RecordMark::spilling));
  return fmt::format("note {}-{}-{}-{}",
                     step.after.number,
                     step.after.attempts,
                     step.after.interruptions,
                     static_cast<char>(step.after.mark));
}

std::string ScheduleUnderTest::judge_step(const EndTask& step) {
  const std::uint64_t number = step.before.number;
  judge_rename(step.before, step.after);
  CHECK_FALSE(is_held(step.after.mark));
  CHECK(step.was_running == running_.contains(number));
  CHECK(step.accepted_in == plans_.at(number).key);
  running_.erase(number);
  spilling_.erase(number);
  return fmt::format("end {}{}", number, step.was_running ? " at once" : "");
}

std::string ScheduleUnderTest::judge_step(const RemoveRecord& step) {
  REQUIRE(records_.contains(step.name.number));
  CHECK(records_.at(step.name.number) == step.name);
  CHECK_FALSE(is_held(step.name.mark));
  const auto told = ends_.find(plans_.at(step.name.number).id);
  REQUIRE_MESSAGE(told != ends_.end(), "no receipt told its end");
  CHECK(told->second == state_of(step.name.mark));
  records_.erase(step.name.number);
  return {};
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
      // Again only by a process after the one that was about to remove the record.
      const auto [end, first] = ends_.emplace(task.id, task.state);
      CHECK_MESSAGE((first || retold_.erase(task.id) == 1), "a second end of ", task.id);
      CHECK_MESSAGE(end->second == task.state, "another end of ", task.id);
    }
    text += fmt::format(" {} {}", task.name.empty() ? "?" : task.name, state_name(task.state));
  }
  receipts_.push_back(step.receipt);
  return text;
}

std::string ScheduleUnderTest::judge_step(const ReleaseInvocation& step) {
  CHECK_MESSAGE((released_.insert(step.key.sequence).second || overlap_), "a second release");
  return fmt::format(
      "release {}/{} carrying {}", step.key.request_id, step.key.sequence, step.carried);
}

}  // namespace postlude::testing
