#include "tests/simulation/world.h"

#include <algorithm>
#include <cstdio>

namespace postlude::simulation {
namespace {

World* the_world = nullptr;

/// 2026-01-01T00:00:00Z: every schedule begins at the same time of day.
constexpr Millis kBegin{1767225600000};
/// A process that has as many turns never comes to rest.
constexpr int kMostTurns = 50000;

}  // namespace

World::World(std::uint64_t seed, Telling telling)
    : telling_(telling), chance_(seed), begin_(EpochTime(kBegin)), now_(begin_) {
  the_world = this;
}

World::~World() {
  end_processes();
  the_world = nullptr;
}

void World::end_processes() {
  while (!processes_.empty()) {
    running_ = nullptr;
    processes_.back()->kill();
    running_ = processes_.back().get();
    processes_.pop_back();
  }
  running_ = nullptr;
}

World& World::current() {
  return *the_world;
}

void World::later(Millis delay, std::function<void()> event) {
  inside_.emplace(now_ + delay, std::move(event));
}

void World::outside(Millis delay, std::function<void()> event) {
  outside_.emplace(now_ + delay, std::move(event));
}

Millis World::hop() {
  const auto kind = chance_.below(100);
  if (kind < 70) {
    return Millis(0);
  }
  return kind < 97 ? Millis(chance_.between(1, 3)) : Millis(chance_.between(4, 60));
}

void World::thaw() {
  if (std::exchange(frozen_, false)) {
    thawed_at_ = now_;
  }
}

Process& World::start(Process::Spec spec) {
  processes_.push_back(std::make_unique<Process>(std::move(spec)));
  say("{} starts", processes_.back()->name());
  return *processes_.back();
}

Process* World::find(pid_t pid) const {
  const auto found = std::find_if(
      processes_.begin(), processes_.end(), [pid](const auto& one) { return one->pid() == pid; });
  return found == processes_.end() ? nullptr : found->get();
}

bool World::step() {
  runnable_.clear();
  for (const auto& process : processes_) {
    if (process->dead() ? process->runnable(now_) : !frozen_ && process->runnable(now_)) {
      runnable_.push_back(process.get());
    }
  }
  const bool inside_due = !frozen_ && !inside_.empty() && inside_.begin()->first <= now_;
  const bool outside_due = !outside_.empty() && outside_.begin()->first <= now_;
  const std::size_t choices = runnable_.size() + (inside_due ? 1U : 0U) + (outside_due ? 1U : 0U);
  if (choices == 0) {
    return advance();
  }
  const std::size_t choice = chance_.below(choices);
  if (choice < runnable_.size()) {
    take_turn(*runnable_[choice]);
  } else {
    fire(choice == runnable_.size() && inside_due ? inside_ : outside_);
  }
  // Steps take time; now and then a machine is slow.
  if (chance_.percent(6)) {
    now_ += Millis(chance_.between(1, chance_.percent(5) ? 40 : 2));
  }
  announce_ends();
  return true;
}

bool World::advance() {
  std::optional<EpochTime> next;
  const auto consider = [&next](EpochTime time) { next = std::min(next.value_or(time), time); };
  if (!outside_.empty()) {
    consider(outside_.begin()->first);
  }
  if (!frozen_) {
    if (!inside_.empty()) {
      consider(inside_.begin()->first);
    }
    for (const auto& process : processes_) {
      if (const auto time = process->wakes()) {
        consider(*time);
      }
    }
  }
  if (!next) {
    return false;
  }
  now_ = std::max(now_, *next);
  return true;
}

void World::fire(Events& events) {
  const auto event = events.extract(events.begin());
  event.mapped()();
}

void World::take_turn(Process& process) {
  running_ = &process;
  process.turn();
  running_ = nullptr;
  if (process.turns() > kMostTurns) {
    violate(fmt::format("{} never comes to rest", process.name()));
  }
}

void World::as(Process& process, const std::function<void()>& act) {
  Process* const before = std::exchange(running_, &process);
  act();
  running_ = before;
}

void World::announce_ends() {
  // NOLINTNEXTLINE(modernize-loop-convert): an end may start processes
  for (std::size_t at = 0; at < processes_.size(); ++at) {
    Process& process = *processes_[at];
    if (process.status() && !std::exchange(process.announced, true)) {
      say("{} has ended: {}", process.name(), describe(*process.status()));
      on_end_(process);
    }
  }
}

void World::violate(std::string claim) {
  say("VIOLATION: {}", claim);
  if (violation_.empty()) {
    violation_ = std::move(claim);
  }
}

void World::tell(const std::string& line) const {
  const std::string who = running_ == nullptr ? "" : running_->name() + ": ";
  fmt::print("{:>9} {}{}\n", (now_ - begin_).count(), who, line);
}

}  // namespace postlude::simulation
