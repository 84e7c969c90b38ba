#pragma once

#include "common/log.h"
#include "common/spool.h"
#include "extension/captures.h"
#include "extension/schedule_steps.h"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace postlude::extension {

/// The records of the tasks that the schedule knows, and their bodies: in memory, and in the spool,
/// where a later process finds them. A function that cleans /tmp does not stop anything: what it
/// took away is written again when the next state is noted. On the loop's thread.
class HeldRecords {
 public:
  HeldRecords(Spool spool, const Log& log);

  /// What earlier processes left up to this number, held from here on; by number. A damaged record
  /// is logged, and stands in unreadable() if its task can be told; else it is set aside at once.
  /// One that cannot be read now (no free descriptor, say) stays where it is and counts as unread.
  [[nodiscard]] std::vector<FoundRecord> replay(std::uint64_t last_record);
  /// The same for what was unread; one that stays so after kMostReads counts as damaged.
  [[nodiscard]] std::vector<FoundRecord> replay_unread();
  [[nodiscard]] int unread() const;
  /// What was found damaged since the last call. remove() sets each of them aside.
  [[nodiscard]] std::vector<UnreadableRecord> unreadable() {
    return std::exchange(unreadable_, {});
  }
  /// Once, when all that is to be replayed is held: bodies that none of it names.
  void remove_orphans();

  struct Trouble {
    enum class Kind {
      gone,     ///< it does not exist any more
      passing,  ///< it cannot be read now, and counts as unread
      damaged,  ///< it was logged; remove() sets it aside
    } kind = Kind::gone;
    std::string why;
    std::optional<RecordOwner> owner = {};  ///< damaged: what can still be read of it
  };
  /// `files`: the record and its bodies, open, or nothing; then the names count.
  [[nodiscard]] tl::expected<const TaskRecord*, Trouble> accept(const RecordName& name,
                                                                RecordOwner owner,
                                                                std::vector<UniqueFd> files);

  [[nodiscard]] const TaskRecord& at(std::uint64_t number) const;
  [[nodiscard]] Bodies bodies(std::uint64_t number) { return captures_.bodies(at(number)); }
  [[nodiscard]] std::vector<std::uint64_t> numbers() const;

  enum class Owner {
    us,
    newer_generation,  ///< it has the spool now: nothing may be touched any more
  };
  [[nodiscard]] Owner rename(const RecordName& before, const RecordName& after);
  /// The task has ended: it needs its bodies no more.
  void let_go(const InvocationKey& key) { captures_.let_go(key); }
  /// Its end is told. A damaged record is set aside instead.
  void remove(const RecordName& name);
  /// No more tasks of this invocation will be accepted.
  void close(const InvocationKey& key) { captures_.close(key); }
  /// Of the generation that this process belongs to.
  [[nodiscard]] bool superseded() const { return spool_.superseded(); }

 private:
  struct Held {
    RecordName name;   ///< as it should be
    RecordName noted;  ///< as it is in the spool: a disk without room takes no new name
    TaskRecord record;
  };
  struct Unread {
    RecordName name;
    int reads = 1;
    std::optional<RecordOwner> owner = {};
  };

  [[nodiscard]] tl::expected<TaskRecord, Trouble> read(const RecordName& name,
                                                       const std::vector<UniqueFd>& files) const;
  [[nodiscard]] std::vector<FoundRecord> take(std::vector<Unread> names);
  void cannot_be_read(const RecordName& name, const std::string& why);
  void set_aside(const RecordName& name) const;
  [[nodiscard]] Owner write_again();

  Spool spool_;
  const Log& log_;
  Captures captures_;
  std::map<std::uint64_t, Held> held_;
  std::vector<Unread> unread_;
  std::set<std::uint64_t> damaged_;  ///< until they are set aside
  std::vector<UnreadableRecord> unreadable_;
  std::uint64_t last_record_ = 0;
  bool listed_ = true;  ///< false: the folder could not be read
};

}  // namespace postlude::extension
