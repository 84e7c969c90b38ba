#pragma once

#include "common/spool.h"

#include <cstdint>
#include <string>
#include <vector>

namespace postlude::extension {

/// The bodies of one invocation. Descriptors stay the owner's and valid while a task of the
/// invocation is held.
struct Bodies {
  int event = -1;  ///< -1: no event
  std::uint64_t event_bytes = 0;
  std::string response = "null";  ///< JSON text, as task_document takes it
  std::string error = "null";
};

/// The captured bodies of the invocations whose tasks are held. They are opened when a task is
/// accepted, because functions clean /tmp while tasks wait, and shared by the tasks of one
/// invocation. The files go when the invocation is closed and its last task has ended.
class Captures {
 public:
  explicit Captures(Spool spool) : spool_(std::move(spool)) {}

  /// Once for each accepted task. `files` are the record's bodies that have a name, open, in the
  /// order of its members; where they are missing the files are opened by name. A file that cannot
  /// be opened counts as a missing body.
  void hold(const TaskRecord& record, std::vector<UniqueFd> files = {});
  /// Once for each task that has ended.
  void let_go(const InvocationKey& key);
  /// No more tasks of this invocation will be accepted.
  void close(const InvocationKey& key);

  /// Of a held task.
  [[nodiscard]] const Bodies& bodies(const TaskRecord& record);

 private:
  struct File {
    std::string name;
    UniqueFd fd;
    bool taken = false;  ///< read once, and closed
  };

  struct Entry {
    InvocationKey key;
    File event;
    File response;
    File error;
    int tasks = 0;
    bool closed = false;
    Bodies bodies;
  };

  [[nodiscard]] Entry* find(const InvocationKey& key);
  void open(File& file, const std::string& name) const;
  [[nodiscard]] static std::string take_contents(File& file);
  void remove_if_over(Entry& entry);

  Spool spool_;
  std::vector<Entry> entries_;
};

}  // namespace postlude::extension
