#include "common/spool.h"

#include "common/spool_adoption.h"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

namespace postlude {
namespace {

/// A function may be cleaning /tmp right now, again and again: folders that were just made are
/// gone. One try takes some 20 microseconds.
constexpr int kMostTries = 200;
/// A record holds a task definition (configuration is bounded at 48 KiB), short strings, and a
/// payload of at most 1 MiB, which escaping can double.
constexpr std::size_t kMaxRecordBytes = (std::size_t{2} << 20) + (std::size_t{256} << 10);

/// Two request ids and a name, far below this.
constexpr std::size_t kMostOwnerBytes = 1024;

}  // namespace

Result<Spool> Spool::create(const std::string& root,
                            std::string_view log_stream_name,
                            std::uint64_t limit) {
  const std::string environment = environment_folder(log_stream_name);
  auto generation = begin_generation(root, environment);
  if (!generation) {
    return tl::unexpected(generation.error());
  }
  Spool spool(fmt::format("{}/{}/{}", root, environment, generation_folder(generation->number)));
  spool.adoption_ = std::move(generation->adoption);
  spool.budget_ = SpoolBudget(limit);
  if (spool.adoption_.files > 0) {
    spool.measure();
  }
  return spool;
}

void Spool::measure() {
  const auto usage = spool_files::measure(folder_);
  if (usage || usage.error().code == ErrorCode::not_found) {
    budget_.measured(usage.value_or(spool_files::Usage{}), now());
  }
}

Result<void> Spool::take_room(std::size_t bytes) {
  if (!budget_.fits(bytes) && budget_.worth_measuring(bytes, now())) {
    measure();
  }
  if (!budget_.fits(bytes)) {
    return fail(ErrorCode::no_space, budget_.refusal(bytes));
  }
  budget_.add(bytes);
  return {};
}

std::string Spool::path(std::string_view file) const {
  return fmt::format("{}/{}", folder_, file);
}

Result<UniqueFd> Spool::open_new(const std::string& file) const {
  auto fd = spool_files::create(file);
  for (int tries = 1; tries < kMostTries && !fd; ++tries) {
    Result<void> cleared;
    if (fd.error().code == ErrorCode::not_found) {
      cleared = make_folders(folder_);
    } else if (fd.error().code == ErrorCode::exists) {
      cleared = spool_files::remove(file);
    } else {
      return fd;
    }
    if (!cleared && cleared.error().code != ErrorCode::not_found) {
      return tl::unexpected(cleared.error());
    }
    fd = spool_files::create(file);
  }
  return fd;
}

Result<UniqueFd> Spool::create_capture(const std::string& name) {
  return open_new(path(name));
}

Result<void> Spool::append_capture(int fd, std::string_view bytes, std::string_view name) {
  const auto room = take_room(bytes.size());
  return room ? write_all(fd, bytes, path(name)) : room;
}

Result<UniqueFd> Spool::write_capture(const std::string& name, std::string_view bytes) {
  auto fd = create_capture(name);
  if (!fd) {
    return fd;
  }
  if (auto written = append_capture(fd->get(), bytes, name); !written) {
    remove_capture(name);
    return tl::unexpected(written.error());
  }
  return fd;
}

Result<UniqueFd> Spool::open_capture(const std::string& name) const {
  return spool_files::open(path(name));
}

Result<UniqueFd> Spool::write_record(const RecordName& name, const TaskRecord& record) {
  const std::string target = path(format_record_name(name));
  const std::string text = encode_record(record);
  if (auto room = take_room(text.size()); !room) {
    return tl::unexpected(room.error());
  }
  // It may also be taken away before it has its name.
  auto placed = put_in_place(target, text);
  for (int tries = 1; tries < kMostTries && !placed && placed.error().code == ErrorCode::not_found;
       ++tries) {
    placed = put_in_place(target, text);
  }
  return placed;
}

Result<UniqueFd> Spool::put_in_place(const std::string& target, std::string_view bytes) const {
  const std::string beside = target + std::string(kUnfinishedSuffix);
  auto fd = open_new(beside);
  if (!fd) {
    return fd;
  }
  auto written = write_all(fd->get(), bytes, beside);
  if (written) {
    written = spool_files::rename(beside, target);
  }
  if (!written) {
    static_cast<void>(spool_files::remove(beside));
    return tl::unexpected(written.error());
  }
  return fd;
}

Result<TaskRecord> Spool::read_record(const RecordName& name) const {
  auto fd = open_capture(format_record_name(name));
  if (!fd) {
    return tl::unexpected(fd.error());
  }
  return read_record(fd->get(), name);
}

Result<TaskRecord> Spool::read_record(int fd, const RecordName& name) {
  auto text = read_all(fd, kMaxRecordBytes, format_record_name(name));
  if (!text) {
    return tl::unexpected(text.error());
  }
  return decode_record(*text);
}

std::optional<RecordOwner> Spool::read_owner(int fd) {
  std::array<char, kMostOwnerBytes> bytes{};
  const ssize_t size = ::pread(fd, bytes.data(), bytes.size(), 0);
  return owner_of_damaged({bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))});
}

Result<void> Spool::rename_record(const RecordName& from, const RecordName& to) const {
  return spool_files::rename(path(format_record_name(from)), path(format_record_name(to)));
}

Result<std::vector<RecordName>> Spool::records() const {
  const auto files = spool_files::list(folder_);
  if (!files) {
    return tl::unexpected(files.error());
  }
  std::vector<RecordName> names;
  for (const auto& file : *files) {
    const auto name = parse_record_name(file.name);
    if (name && file.kind == spool_files::Kind::file) {
      names.push_back(*name);
    }
  }
  std::sort(names.begin(), names.end(), [](const RecordName& left, const RecordName& right) {
    return left.number < right.number;
  });
  return names;
}

Result<std::vector<std::string>> Spool::captures() const {
  const auto files = spool_files::list(folder_);
  if (!files) {
    return tl::unexpected(files.error());
  }
  std::vector<std::string> names;
  for (const auto& file : *files) {
    if (file.kind == spool_files::Kind::file && is_capture_name(file.name)) {
      names.push_back(file.name);
    }
  }
  return names;
}

Result<std::string> Spool::set_aside(const RecordName& name) const {
  const std::string file = format_record_name(name);
  std::string aside = damaged_record_name(name);
  if (auto renamed = spool_files::rename(path(file), path(aside)); !renamed) {
    return tl::unexpected(renamed.error());
  }
  return aside;
}

std::uint64_t Spool::generation() const {
  return generation_number(std::string_view(folder_).substr(folder_.rfind('/') + 1)).value_or(0);
}

bool Spool::superseded() const {
  const auto generations = spool_files::list(folder_.substr(0, folder_.rfind('/')));
  return generations && std::any_of(generations->begin(),
                                    generations->end(),
                                    [own = generation()](const spool_files::Entry& entry) {
                                      return entry.kind == spool_files::Kind::folder &&
                                             generation_number(entry.name).value_or(0) > own;
                                    });
}

void Spool::remove_record(const RecordName& name) const {
  static_cast<void>(spool_files::remove(path(format_record_name(name))));
}

void Spool::remove_capture(const std::string& name) const {
  static_cast<void>(spool_files::remove(path(name)));
}

}  // namespace postlude
