#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace postlude::simulation {

/// The folder that is /tmp for the simulated environment: a real one in memory, so that names,
/// renames and open files behave as the kernel has them, behind the calls of system_calls.cpp,
/// where writing can fail and a process can die between any two of them.
class Disk {
 public:
  enum class State { writable, full, read_only };

  /// What is told about records, the files named "*.task".
  struct Events {
    std::function<void(const std::string& id)> placed;   ///< a new one got its name
    std::function<void(const std::string& id)> removed;  ///< one is gone, by a process
    std::function<void(const std::string& id)> wiped;    ///< one is gone, by the function
  };

  explicit Disk(Events events);
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;
  ~Disk();

  [[nodiscard]] const std::string& root() const { return root_; }
  [[nodiscard]] bool holds(std::string_view path) const { return path.starts_with(root_); }

  [[nodiscard]] State state() const { return state_; }
  void become(State state) { state_ = state; }
  /// The function cleans up.
  void wipe();
  [[nodiscard]] bool wiped() const { return wiped_; }
  /// A crash leaves files that were not in place yet, or not.
  void forget_unplaced();

  struct Run {
    std::string id;  ///< of the task
    int attempt = 1;
  };
  /// Of the records that say that an attempt is under way.
  [[nodiscard]] std::vector<Run> running() const;
  /// A task that was accepted before that one and waits for an attempt; empty: none.
  [[nodiscard]] std::string earlier_than(const std::string& id) const;
  /// The ids of the records there are now.
  [[nodiscard]] std::multiset<std::string> records() const;

  // Told by the system calls.
  void opened(int descriptor) { open_.insert(descriptor); }
  void closed(int descriptor) { open_.erase(descriptor); }
  [[nodiscard]] bool is_open(int descriptor) const { return open_.contains(descriptor); }
  void renamed(const std::string& from, const std::string& to);
  void unlinked(const std::string& path);

 private:
  Events events_;
  std::string root_;
  State state_ = State::writable;
  bool wiped_ = false;
  std::set<int> open_;
  std::map<std::string, std::string> records_;  ///< path to id
};

}  // namespace postlude::simulation
