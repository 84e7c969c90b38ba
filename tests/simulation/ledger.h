#pragma once

#include "common/task.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace postlude::simulation {

/// What became of every task, as a reader of the log, the function and the disk see it; and what
/// may never be seen (contract.md 4.3). Tasks are known by their public ids.
class Ledger {
 public:
  /// A record of it is in place.
  void placed(const std::string& id);
  /// The record is gone.
  void removed(const std::string& id);
  void wiped(const std::string& id);
  /// Without a folder a shim counts all that it handed over as lost with the extension.
  void folder_wiped() { may_drop_twice_ = true; }
  /// The function got this id.
  void promised(const std::string& id);
  /// Configured, and the outcome of its invocation is the one it waits for.
  void expected(const std::string& id);

  /// An attempt begins to have effects.
  void run_began(const std::string& id, const Task& definition, int attempt);
  void run_ended(const std::string& id, bool success);
  /// It succeeded when its time was over: that may count, or not.
  void succeeded_late(const std::string& id);
  /// The death of a process of ours cut that attempt, by its record.
  void run_crashed(const std::string& id, int attempt);
  /// The dead letter took it.
  void spilled(const std::string& id);

  /// A line of the log that begins as a receipt.
  void receipt(std::string_view line);

  /// From here on what happens to this task is nobody's fault, and why.
  void excuse(const std::string& id, const std::string& reason);
  /// The same for all that is held now.
  void excuse_held(const std::string& reason);
  /// Expected ones that no record was placed of.
  void excuse_expected();
  /// A shim has died that may have removed records of open invocations, to tell their ends later.
  void excuse_given_up();
  /// A process of ours has died: what it was about to note may have been noted, or not.
  void process_died() { ++deaths_; }
  /// Everything that was accepted lies on the disk, or its end was told.
  void check_kept() const;

  /// At rest: everything has its end, or lies on the disk.
  void settle(const std::multiset<std::string>& on_disk);
  /// The environment was shut down in order: nothing is held any more.
  void settle_all(const std::multiset<std::string>& on_disk);

  struct Counts {
    std::uint64_t accepted = 0;
    std::map<std::string, std::uint64_t> ended;  ///< by state
    std::uint64_t held = 0;
    std::uint64_t excused = 0;  ///< nothing is known of them, for a reason that is
  };
  [[nodiscard]] Counts counts(const std::multiset<std::string>& on_disk) const;

 private:
  struct Entry {
    bool placed = false;
    bool promised = false;
    bool expected = false;
    bool on_disk = false;
    int runs = 0;
    int successes = 0;
    int spills = 0;
    std::set<int> begun;  ///< numbers of attempts
    int crashes = 0;
    std::optional<int> on_its_way;   ///< the number of the attempt that a crash found so
    int deaths_before_success = -1;  ///< -1: no success must be heeded
    int deaths_before_end = 0;
    bool replayable = true;
    std::vector<std::string> finals;
    std::string excuse;

    [[nodiscard]] bool accepted() const { return placed || promised; }
  };

  Entry& entry(const std::string& id) { return entries_[id]; }
  void judge_final(const std::string& id, Entry& task, const std::string& state);

  std::map<std::string, Entry> entries_;
  int deaths_ = 0;
  bool may_drop_twice_ = false;
};

}  // namespace postlude::simulation
