#pragma once

#include "common/spool.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace postlude::extension {

/// The bodies of one invocation, for one attempt.
struct Bodies {
  UniqueFd event;  ///< none: no event
  std::uint64_t event_bytes = 0;
  std::string response = "null";  ///< JSON text, as task_document takes it
  std::string error = "null";
  bool missing = false;  ///< a body that the record names cannot be read
};

/// The captured bodies of the invocations whose tasks are held, shared by the tasks of one
/// invocation. Functions clean /tmp while tasks wait, so the files are opened when a task is
/// accepted and stay open, up to kMostOpen; the others are opened by name when an attempt needs
/// them. The files go when the invocation is closed and its last task has ended.
class Captures {
 public:
  /// Of the 1,024 descriptors that Lambda allows a process. The rest is for attempts: three pipes,
  /// an event and a connection each.
  static constexpr std::size_t kMostOpen = 256;

  explicit Captures(Spool spool) : spool_(std::move(spool)) {}

  /// Once for each accepted task. `files` are the record's bodies that have a name, open, in the
  /// order of its members; where they are missing the files are opened by name. A file that cannot
  /// be opened counts as a missing body.
  void hold(const TaskRecord& record, std::vector<UniqueFd> files = {});
  /// The same for a task of an earlier process. Nobody will close its invocation: the files go with
  /// the last task.
  void hold_replayed(const TaskRecord& record);
  /// Once for each task that has ended.
  void let_go(const InvocationKey& key);
  /// No more tasks of this invocation will be accepted.
  void close(const InvocationKey& key);

  /// Of a held task.
  [[nodiscard]] Bodies bodies(const TaskRecord& record);

  /// Once, when all that is to be replayed is held: bodies that no held task names. Those of
  /// earlier generations go now; an invocation of this one may be open, so they go when it, or a
  /// later one, is closed.
  void remove_orphans();
  /// The function cleaned /tmp: writes what is open and has no name any more.
  void write_again();

 private:
  struct File {
    std::string name;
    UniqueFd fd;
  };

  struct Entry {
    File event;
    File response;
    File error;
    std::optional<std::string> response_json;  ///< once it was read
    std::optional<std::string> error_json;
    int tasks = 0;
    bool closed = false;
  };

  void keep(File& file, const std::string& name, UniqueFd given);
  [[nodiscard]] UniqueFd duplicate(const File& file) const;
  [[nodiscard]] std::optional<std::string> contents(const File& file) const;
  [[nodiscard]] bool needed(std::uint64_t sequence, const std::string& file) const;
  void write_again(File& file);
  void remove_if_over(std::uint64_t sequence);

  Spool spool_;
  std::map<std::uint64_t, Entry> entries_;  ///< by the sequence number of their invocation
  std::size_t open_ = 0;
  /// With the sequence number of their invocation, which is of this generation.
  std::vector<std::pair<std::uint64_t, std::string>> unclaimed_;
};

}  // namespace postlude::extension
