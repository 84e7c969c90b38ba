#include "tests/simulation/work.h"

#include "tests/simulation/simulation.h"

#include <utility>

namespace postlude::simulation {
namespace {

/// Most are quick; some take as long as a deadline, and some never end.
Millis duration(Chance& chance, const std::string& task_id) {
  constexpr Millis kForEver = std::chrono::hours(10);
  const std::string& stubborn = Simulation::current().plan().stubborn;
  if (!stubborn.empty() && task_id.find("/" + stubborn + "/") != std::string::npos) {
    return kForEver;
  }
  const auto kind = chance.below(100);
  if (kind < 55) {
    return Millis(chance.between(0, 15));
  }
  if (kind < 80) {
    return Millis(chance.between(15, 400));
  }
  return kind < 94 ? Millis(chance.between(400, 6000)) : kForEver;
}

Work::End outcome(Chance& chance) {
  const auto kind = chance.below(100);
  if (kind < 68) {
    return Work::End::success;
  }
  return kind < 94 ? Work::End::failed : Work::End::refused;
}

bool has_effects(Work::Kind kind) {
  return kind == Work::Kind::call || kind == Work::Kind::command;
}

}  // namespace

Work::Id Work::begin(Attempt attempt, std::function<void(End)> ended) {
  World& world = World::current();
  const Id id = ++last_;
  const bool prepares = attempt.kind == Kind::preparation;
  const Millis time =
      prepares ? Millis(world.chance().between(0, 5)) : duration(world.chance(), attempt.task_id);
  const End end = prepares ? End::success : outcome(world.chance());
  running_[id] = {std::move(attempt), std::move(ended)};
  world.later(time, [this, id, end] { finish(id, end); });
  return id;
}

void Work::stop(Id id, Millis grace) {
  const auto found = running_.find(id);
  if (found == running_.end() || std::exchange(found->second.stopping, true)) {
    return;
  }
  World& world = World::current();
  const bool obeys = world.chance().percent(60);
  const Millis time = obeys ? Millis(world.chance().between(0, static_cast<int>(grace.count())))
                            : grace + Millis(1);
  world.later(time, [this, id] { finish(id, End::stopped); });
}

void Work::cancel(Id id) {
  running_.erase(id);
}

void Work::owner_died(const Process& owner) {
  std::erase_if(running_,
                [&owner](const auto& entry) { return entry.second.attempt.owner == &owner; });
}

bool Work::runs(const Process& owner) const {
  for (const auto& [id, running] : running_) {
    if (running.attempt.owner == &owner && running.attempt.kind != Kind::preparation) {
      return true;
    }
  }
  return false;
}

std::string Work::late(const Process& owner, EpochTime now) const {
  for (const auto& [id, running] : running_) {
    if (running.attempt.owner == &owner && running.attempt.deadline < now) {
      return running.attempt.task_id;
    }
  }
  return "";
}

void Work::finish(Id id, End end) {
  const auto found = running_.find(id);
  if (found == running_.end()) {
    return;
  }
  if (found->second.attempt.owner->stopped() && found->second.attempt.kind != Kind::command) {
    World::current().later(Millis(20), [this, id, end] { finish(id, end); });
    return;
  }
  const Running running = std::move(found->second);
  running_.erase(found);
  if (running.stopping) {
    end = End::stopped;
  }
  World::current().say("{} of {} ends: {}",
                       running.attempt.kind == Kind::spill ? "spill" : "attempt",
                       running.attempt.task_id,
                       static_cast<int>(end));
  if (running.attempt.owner->dead()) {
    return;
  }
  if (has_effects(running.attempt.kind)) {
    Ledger& ledger = Simulation::current().ledger();
    const bool late = running.attempt.deadline < World::current().now() ||
                      Simulation::current().platform().left_behind();
    if (end == End::success && late) {
      ledger.succeeded_late(running.attempt.task_id);
    } else {
      ledger.run_ended(running.attempt.task_id, end == End::success);
    }
  } else if (running.attempt.kind == Kind::spill && end == End::success) {
    Simulation::current().ledger().spilled(running.attempt.task_id);
  }
  running.ended(end);
}

}  // namespace postlude::simulation
