#include "extension/held_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace postlude::extension {
namespace {

/// What hinders reading a record is tried again with each invocation, but not for ever.
constexpr int kMostReads = 16;

bool has_ended(RecordMark mark) {
  return mark != RecordMark::waiting && mark != RecordMark::running && mark != RecordMark::spilling;
}

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
      held = {one.name, std::move(*record)};
      if (!has_ended(one.name.mark)) {
        captures_.hold_replayed(held.record);
      }
      found.push_back({held.name, &held.record});
      continue;
    }
    const Trouble& trouble = record.error();
    const bool passing = trouble.kind == Trouble::Kind::passing;
    if (trouble.kind == Trouble::Kind::damaged || (passing && ++one.reads >= kMostReads)) {
      set_aside(one.name, trouble.why);
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
    const RecordName& name, std::vector<UniqueFd> files) {
  auto record = read(name, files);
  if (!record) {
    if (record.error().kind == Trouble::Kind::damaged) {
      set_aside(name, record.error().why);
    } else if (record.error().kind == Trouble::Kind::passing) {
      unread_.push_back({name});
    }
    return tl::unexpected(std::move(record.error()));
  }
  if (!files.empty()) {
    files.erase(files.begin());
  }
  Held& held = held_[name.number];
  held = {name, std::move(*record)};
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
  auto record = Spool::read_record(files.empty() ? opened.get() : files.front().get(), name);
  if (!record) {
    return tl::unexpected(Trouble{Trouble::Kind::damaged, record.error().message});
  }
  return std::move(*record);
}

void HeldRecords::set_aside(const RecordName& name, const std::string& why) const {
  const auto aside = spool_.set_aside(name);
  log_.error(fmt::format("record {}: {}; {}",
                         format_record_name(name),
                         why,
                         aside ? "set aside as " + *aside : aside.error().message));
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
  held_.at(before.number).name = after;
  const auto renamed = spool_.rename_record(before, after);
  if (renamed) {
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
  for (const auto& [number, held] : held_) {
    if (there.contains(number)) {
      continue;
    }
    if (const auto record = spool_.write_record(held.name, held.record); !record) {
      log_.error("a record that was removed cannot be written again: " + record.error().message);
      break;
    }
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
  spool_.remove_record(name);
  held_.erase(name.number);
}

}  // namespace postlude::extension
