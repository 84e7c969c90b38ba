#include "extension/held_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace postlude::extension {
namespace {

/// What hinders reading a record is tried again with each invocation, but not for ever.
constexpr int kMostReads = 16;

}  // namespace

HeldRecords::HeldRecords(Spool spool, const Log& log)
    : spool_(std::move(spool)), log_(log), captures_(spool_) {}

std::vector<FoundRecord> HeldRecords::replay(std::uint64_t last_record) {
  last_record_ = last_record;
  const auto names = spool_.records();
  listed_ = names || names.error().code == ErrorCode::not_found;
  if (!listed_) {
    log_.error("what earlier processes left cannot be read: " + names.error().message);
  }
  std::vector<Unread> left;
  if (names) {
    for (const RecordName& name : *names) {
      if (name.number <= last_record) {
        left.push_back({name, 0});
      }
    }
  }
  return take(std::move(left));
}

std::vector<FoundRecord> HeldRecords::replay_unread() {
  return listed_ ? take(std::exchange(unread_, {})) : replay(last_record_);
}

std::vector<FoundRecord> HeldRecords::take(std::vector<Unread> names) {
  std::vector<FoundRecord> found;
  for (Unread& one : names) {
    auto record = read(one.name, {});
    if (record) {
      Held& held = held_[one.name.number];
      held = {one.name, one.name, std::move(*record)};
      if (!end_of(one.name.mark)) {
        captures_.hold_replayed(held.record);
      }
      found.push_back({held.name, &held.record});
      continue;
    }
    Trouble& trouble = record.error();
    const bool passing = trouble.kind == Trouble::Kind::passing;
    if (trouble.kind == Trouble::Kind::damaged || (passing && ++one.reads >= kMostReads)) {
      cannot_be_read(one.name, trouble.why);
      if (auto owner = one.owner ? std::move(one.owner) : std::move(trouble.owner)) {
        unreadable_.push_back(
            {one.name, std::move(*owner), "its record cannot be read: " + trouble.why});
      } else {
        remove(one.name);  // nobody can say whose end it would be
      }
    } else if (passing) {
      if (one.reads == 1) {
        log_.warn("a record will be read again later: " + trouble.why);
      }
      unread_.push_back(one);
    }
  }
  return found;
}

int HeldRecords::unread() const {
  return static_cast<int>(unread_.size()) + (listed_ ? 0 : 1);
}

void HeldRecords::remove_orphans() {
  // What is unread may need any of them.
  if (unread() == 0) {
    captures_.remove_orphans();
  }
}

tl::expected<const TaskRecord*, HeldRecords::Trouble> HeldRecords::accept(
    const RecordName& name, RecordOwner owner, std::vector<UniqueFd> files) {
  auto record = read(name, files);
  if (!record) {
    if (record.error().kind == Trouble::Kind::damaged) {
      cannot_be_read(name, record.error().why);
    } else if (record.error().kind == Trouble::Kind::passing) {
      unread_.push_back({name, 1, std::move(owner)});
    }
    return tl::unexpected(std::move(record.error()));
  }
  if (!files.empty()) {
    files.erase(files.begin());
  }
  Held& held = held_[name.number];
  held = {name, name, std::move(*record)};
  captures_.hold(held.record, std::move(files));
  return &held.record;
}

/// From the open file that came along, because functions clean /tmp; else by its name.
tl::expected<TaskRecord, HeldRecords::Trouble> HeldRecords::read(
    const RecordName& name, const std::vector<UniqueFd>& files) const {
  UniqueFd opened;
  if (files.empty()) {
    auto file = spool_.open_capture(format_record_name(name));
    if (!file) {
      const bool gone = file.error().code == ErrorCode::not_found;
      return tl::unexpected(
          Trouble{gone ? Trouble::Kind::gone : Trouble::Kind::passing, file.error().message});
    }
    opened = std::move(*file);
  }
  const int fd = files.empty() ? opened.get() : files.front().get();
  auto record = Spool::read_record(fd, name);
  if (!record) {
    return tl::unexpected(
        Trouble{Trouble::Kind::damaged, record.error().message, Spool::read_owner(fd)});
  }
  return std::move(*record);
}

void HeldRecords::cannot_be_read(const RecordName& name, const std::string& why) {
  log_.error(fmt::format(
      "the record {}/{} cannot be read: {}; it is set aside as {}, and its task does not "
      "run. Postlude alone may write there: find what else does, or name another folder "
      "in POSTLUDE_SPOOL_DIR",
      spool_.folder(),
      format_record_name(name),
      why,
      damaged_record_name(name)));
  damaged_.insert(name.number);
}

void HeldRecords::set_aside(const RecordName& name) const {
  if (const auto aside = spool_.set_aside(name);
      !aside && aside.error().code != ErrorCode::not_found) {
    log_.error("a damaged record cannot be set aside: " + aside.error().message);
  }
}

const TaskRecord& HeldRecords::at(std::uint64_t number) const {
  return held_.at(number).record;
}

std::vector<std::uint64_t> HeldRecords::numbers() const {
  std::vector<std::uint64_t> numbers;
  for (const auto& [number, held] : held_) {
    numbers.push_back(number);
  }
  return numbers;
}

HeldRecords::Owner HeldRecords::rename(const RecordName& before, const RecordName& after) {
  Held& held = held_.at(before.number);
  held.name = after;
  const auto renamed = spool_.rename_record(held.noted, after);
  if (renamed) {
    held.noted = after;
    return Owner::us;
  }
  if (renamed.error().code != ErrorCode::not_found) {
    log_.warn("the state of a task cannot be noted: " + renamed.error().message);
    return Owner::us;
  }
  return spool_.superseded() ? Owner::newer_generation : write_again();
}

/// The function cleaned /tmp. What cannot be written goes on from memory.
HeldRecords::Owner HeldRecords::write_again() {
  std::set<std::uint64_t> there;
  for (const RecordName& name : spool_.records().value_or(std::vector<RecordName>())) {
    there.insert(name.number);
  }
  captures_.write_again();
  std::vector<RecordName> written;
  for (auto& [number, held] : held_) {
    if (there.contains(number)) {
      continue;
    }
    if (const auto record = spool_.write_record(held.name, held.record); !record) {
      log_.error("a record that was removed cannot be written again: " + record.error().message);
      break;
    }
    held.noted = held.name;
    written.push_back(held.name);
  }
  // A generation that began after this takes them along; one that began before it does not.
  if (spool_.superseded()) {
    for (const RecordName& name : written) {
      spool_.remove_record(name);
    }
    return Owner::newer_generation;
  }
  log_.debug(
      fmt::format("{} records were removed from the spool, and written again", written.size()));
  return Owner::us;
}

void HeldRecords::remove(const RecordName& name) {
  if (damaged_.erase(name.number) > 0) {
    set_aside(name);
    return;
  }
  const auto held = held_.find(name.number);
  spool_.remove_record(held == held_.end() ? name : held->second.noted);
  held_.erase(name.number);
}

}  // namespace postlude::extension
