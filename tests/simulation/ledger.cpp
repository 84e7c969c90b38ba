#include "tests/simulation/ledger.h"

#include "common/json_text.h"
#include "extension/schedule.h"
#include "tests/simulation/world.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace postlude::simulation {
namespace {

void violate(const std::string& id, std::string_view claim) {
  World::current().violate(fmt::format("task {} {}", id, claim));
}

bool is_final(std::string_view state) {
  constexpr std::array<std::string_view, 5> kFinal = {
      "done", "failed", "spilled", "expired", "dropped"};
  return std::find(kFinal.begin(), kFinal.end(), state) != kFinal.end();
}

}  // namespace

void Ledger::placed(const std::string& id) {
  World::current().say("record of {} is in place", id);
  Entry& task = entry(id);
  if (task.placed && !task.on_disk && !task.finals.empty()) {
    violate(id, "has a record again after its end");
  }
  if (task.on_disk) {
    violate(id, "has two records");
  }
  task.placed = true;
  task.on_disk = true;
}

void Ledger::removed(const std::string& id) {
  World::current().say("record of {} is removed", id);
  Entry& task = entry(id);
  task.on_disk = false;
  // A shim that gives the extension up removes records and tells their ends in one breath.
  const Process* const who = World::current().running();
  const bool by_extension = who != nullptr && who->role() == Process::Role::extension;
  if (by_extension && task.finals.empty() && task.excuse.empty()) {
    violate(id, "loses its record before its end is told");
  }
}

void Ledger::wiped(const std::string& id) {
  entry(id).on_disk = false;
}

void Ledger::promised(const std::string& id) {
  Entry& task = entry(id);
  task.promised = true;
  if (!task.placed) {
    violate(id, "was promised to the function before its record was in place");
  }
}

void Ledger::expected(const std::string& id) {
  entry(id).expected = true;
}

void Ledger::run_began(const std::string& id, const Task& definition, int attempt) {
  Entry& task = entry(id);
  ++task.runs;
  task.replayable = definition.replay;
  if (!task.accepted()) {
    violate(id, "runs and was never accepted");
  }
  if (!task.finals.empty()) {
    violate(id, "runs after its end");
  }
  if (attempt < 1 || attempt > definition.attempts) {
    violate(id, fmt::format("makes attempt {} of {}", attempt, definition.attempts));
  }
  if (task.runs > definition.attempts + extension::kMostInterruptions) {
    violate(id, fmt::format("runs for the {}th time", task.runs));
  }
  // An event for the runtime may be under way when the extension dies: that attempt has its turn.
  if (!definition.replay && task.crashes > 0 && task.on_its_way != attempt) {
    violate(id, "runs again after a crash, and its replay is false");
  }
  task.begun.insert(attempt);
  task.on_its_way.reset();
  const bool interruptible = !std::holds_alternative<HandlerAction>(definition.action);
  if (interruptible && task.successes > 0 && task.deaths_before_success == deaths_) {
    violate(id, "runs again after a success");
  }
}

void Ledger::run_ended(const std::string& id, bool success) {
  Entry& task = entry(id);
  task.successes += success ? 1 : 0;
  if (success) {
    task.deaths_before_success = deaths_;
  }
}

void Ledger::succeeded_late(const std::string& id) {
  ++entry(id).successes;
}

void Ledger::run_crashed(const std::string& id, int attempt) {
  Entry& task = entry(id);
  ++task.crashes;
  if (!task.begun.contains(attempt)) {
    task.on_its_way = attempt;
  }
}

void Ledger::spilled(const std::string& id) {
  Entry& task = entry(id);
  ++task.spills;
  if (!task.finals.empty()) {
    violate(id, "goes to its dead letter after its end");
  }
}

void Ledger::receipt(std::string_view line) {
  const auto parsed = parse_json(line);
  if (!parsed || !parsed->is_object()) {
    World::current().violate(fmt::format("a receipt is no JSON object: {}", line));
    return;
  }
  World::current().say("receipt {}", line);
  if (!parsed->contains("tasks")) {
    return;
  }
  for (const auto& task : parsed->at("tasks")) {
    const auto id = task.at("id").get<std::string>();
    const auto state = task.at("state").get<std::string>();
    if (is_final(state)) {
      judge_final(id, entry(id), state);
    }
  }
}

void Ledger::judge_final(const std::string& id, Entry& task, const std::string& state) {
  const bool told_again =
      !task.finals.empty() && task.finals.front() == state && deaths_ > task.deaths_before_end;
  const Process* const teller = World::current().running();
  const bool by_shim = teller != nullptr && teller->role() == Process::Role::shim;
  if (!task.finals.empty() && may_drop_twice_ && (state == "dropped" || by_shim)) {
    return;
  }
  if (!task.finals.empty() && !told_again && task.excuse.empty()) {
    violate(id, fmt::format("ends {} after it ended {}", state, task.finals.front()));
  }
  if (state == "done" && task.successes == 0) {
    violate(id, "ends done without a success");
  }
  if (state == "spilled" && task.spills == 0) {
    violate(id, "ends spilled, and no dead letter has it");
  }
  if (state != "dropped" && !task.placed) {
    violate(id, fmt::format("ends {} and was never kept", state));
  }
  task.placed = true;  // an id that stands in a receipt was accepted
  if (task.finals.empty()) {
    task.deaths_before_end = deaths_;
  }
  task.finals.push_back(state);
}

void Ledger::excuse(const std::string& id, const std::string& reason) {
  entry(id).excuse = reason;
}

void Ledger::excuse_held(const std::string& reason) {
  for (auto& [id, task] : entries_) {
    if (task.finals.empty() && task.excuse.empty()) {
      task.excuse = reason;
    }
  }
}

void Ledger::excuse_expected() {
  for (auto& [id, task] : entries_) {
    task.expected = task.expected && task.accepted();
  }
}

void Ledger::excuse_given_up() {
  for (auto& [id, task] : entries_) {
    if (task.accepted() && task.finals.empty() && !task.on_disk && task.excuse.empty()) {
      task.excuse = "the shim had given the extension up";
    }
  }
}

void Ledger::check_kept() const {
  for (const auto& [id, task] : entries_) {
    if (task.accepted() && task.finals.empty() && !task.on_disk && task.excuse.empty()) {
      violate(id, "is neither on the disk nor was its end told");
    }
  }
}

void Ledger::settle(const std::multiset<std::string>& on_disk) {
  for (auto& [id, task] : entries_) {
    if (!task.excuse.empty()) {
      continue;
    }
    if (task.expected && !task.accepted()) {
      violate(id, "was expected, and nothing is known of it");
    }
    if (task.accepted() && task.finals.empty() && on_disk.count(id) == 0) {
      violate(id, "was accepted and is lost");
    }
    // Told, and then the process died before it removed the record: it is told again.
    if (!task.finals.empty() && on_disk.count(id) > 0 && task.deaths_before_end == deaths_) {
      violate(id, fmt::format("ended {} and is still on the disk", task.finals.front()));
    }
  }
}

void Ledger::settle_all(const std::multiset<std::string>& on_disk) {
  settle(on_disk);
  for (auto& [id, task] : entries_) {
    if (task.excuse.empty() && task.accepted() && task.finals.empty()) {
      violate(id, "has no end after the shutdown");
    }
  }
}

Ledger::Counts Ledger::counts(const std::multiset<std::string>& on_disk) const {
  Counts counts;
  for (const auto& [id, task] : entries_) {
    counts.accepted += task.accepted() ? 1U : 0U;
    if (!task.finals.empty()) {
      ++counts.ended[task.finals.back()];
    } else if (on_disk.count(id) > 0) {
      ++counts.held;
    } else if (task.accepted()) {
      ++counts.excused;
    }
  }
  return counts;
}

}  // namespace postlude::simulation
