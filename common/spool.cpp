#include "common/spool.h"

#include <fmt/format.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <optional>

namespace postlude {
namespace {

/// A function may be cleaning /tmp right now, again and again: folders that were just made are
/// gone. One try takes some 20 microseconds.
constexpr int kMostTries = 200;
/// What the shim names captured bodies by (runtime/task_journal).
constexpr std::array<std::string_view, 3> kCaptureSuffixes = {".event", ".answer", ".error"};
constexpr mode_t kFolderMode = 0700;
constexpr mode_t kFileMode = 0600;
/// A record holds a task definition (configuration is bounded at 48 KiB), short strings, and a
/// payload of at most 1 MiB, which escaping can double.
constexpr std::size_t kMaxRecordBytes = (std::size_t{2} << 20) + (std::size_t{256} << 10);

Result<void> make_folders(const std::string& folder) {
  for (std::size_t slash = folder.find('/', 1);; slash = folder.find('/', slash + 1)) {
    const std::string part = folder.substr(0, slash);
    if (::mkdir(part.c_str(), kFolderMode) != 0 && errno != EEXIST) {
      return errno_failure("make folder", part);
    }
    if (slash == std::string::npos) {
      return {};
    }
  }
}

Result<std::vector<std::string>> list_folder(const std::string& folder) {
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(folder.c_str()), &::closedir);
  if (!entries) {
    return errno_failure("open folder", folder);
  }
  std::vector<std::string> names;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): each stream is read by one thread
  while (const dirent* entry = ::readdir(entries.get())) {
    names.emplace_back(&entry->d_name[0]);
  }
  return names;
}

/// Of a generation's folder; nothing for any other name.
std::optional<std::uint64_t> generation_number(std::string_view name) {
  std::uint64_t number = 0;
  const char* end = name.data() + name.size();
  const auto parsed = std::from_chars(name.data(), end, number);
  const bool whole = parsed.ec == std::errc{} && parsed.ptr == end;
  return whole ? std::optional(number) : std::nullopt;
}

}  // namespace

Result<Spool> Spool::create(const std::string& root, std::string_view log_stream_name) {
  const std::string environment = fmt::format("{}/{}", root, environment_folder(log_stream_name));
  if (auto made = make_folders(environment); !made) {
    return tl::unexpected(made.error());
  }
  constexpr int kMostGenerations = 1000000;  // an environment that was reset more often is broken
  for (int generation = 1; generation < kMostGenerations; ++generation) {
    std::string folder = fmt::format("{}/{:06}", environment, generation);
    if (::mkdir(folder.c_str(), kFolderMode) == 0) {
      return Spool(std::move(folder));
    }
    if (errno != EEXIST) {
      return errno_failure("make folder", folder);
    }
  }
  return fail(fmt::format("no free generation in {}", environment));
}

std::string Spool::path(std::string_view file) const {
  return fmt::format("{}/{}", folder_, file);
}

Result<UniqueFd> Spool::open_new(const std::string& file) const {
  constexpr int kFlags = O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC;
  UniqueFd fd(::open(file.c_str(), kFlags, kFileMode));
  for (int tries = 1; tries < kMostTries && !fd && errno == ENOENT; ++tries) {
    if (auto made = make_folders(folder_); !made && made.error().code != ErrorCode::not_found) {
      return tl::unexpected(made.error());
    }
    fd.reset(::open(file.c_str(), kFlags, kFileMode));
  }
  if (!fd) {
    return errno_failure("create", file);
  }
  return fd;
}

Result<UniqueFd> Spool::create_capture(const std::string& name) {
  return open_new(path(name));
}

Result<UniqueFd> Spool::write_capture(const std::string& name, std::string_view bytes) {
  auto fd = create_capture(name);
  if (!fd) {
    return fd;
  }
  if (auto written = write_all(fd->get(), bytes, name); !written) {
    return tl::unexpected(written.error());
  }
  return fd;
}

Result<UniqueFd> Spool::open_capture(const std::string& name) const {
  const std::string file = path(name);
  UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    return errno_failure("open", file);
  }
  return fd;
}

Result<UniqueFd> Spool::write_record(const RecordName& name, const TaskRecord& record) {
  const std::string target = path(format_record_name(name));
  const std::string text = encode_record(record);
  // It may also be taken away before it has its name.
  auto placed = put_in_place(target, text);
  for (int tries = 1; tries < kMostTries && !placed && placed.error().code == ErrorCode::not_found;
       ++tries) {
    placed = put_in_place(target, text);
  }
  return placed;
}

Result<UniqueFd> Spool::put_in_place(const std::string& target, std::string_view bytes) const {
  const std::string beside = target + ".new";
  auto fd = open_new(beside);
  if (!fd) {
    return fd;
  }
  auto written = write_all(fd->get(), bytes, beside);
  if (written && ::rename(beside.c_str(), target.c_str()) != 0) {
    written = errno_failure("rename", beside);
  }
  if (!written) {
    ::unlink(beside.c_str());
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

Result<void> Spool::rename_record(const RecordName& from, const RecordName& to) const {
  const std::string old_path = path(format_record_name(from));
  if (::rename(old_path.c_str(), path(format_record_name(to)).c_str()) != 0) {
    return errno_failure("rename", old_path);
  }
  return {};
}

Result<std::vector<RecordName>> Spool::records() const {
  const auto files = list_folder(folder_);
  if (!files) {
    return tl::unexpected(files.error());
  }
  std::vector<RecordName> names;
  for (const std::string& file : *files) {
    if (const auto name = parse_record_name(file)) {
      names.push_back(*name);
    }
  }
  std::sort(names.begin(), names.end(), [](const RecordName& left, const RecordName& right) {
    return left.number < right.number;
  });
  return names;
}

Result<std::vector<std::string>> Spool::captures() const {
  auto files = list_folder(folder_);
  if (files) {
    std::erase_if(*files, [](const std::string& file) {
      return !std::any_of(kCaptureSuffixes.begin(),
                          kCaptureSuffixes.end(),
                          [&file](std::string_view suffix) { return file.ends_with(suffix); });
    });
  }
  return files;
}

Result<std::string> Spool::set_aside(const RecordName& name) const {
  const std::string file = format_record_name(name);
  std::string aside = file + ".damaged";
  if (::rename(path(file).c_str(), path(aside).c_str()) != 0) {
    return errno_failure("rename", path(file));
  }
  return aside;
}

std::uint64_t Spool::generation() const {
  return generation_number(std::string_view(folder_).substr(folder_.rfind('/') + 1)).value_or(0);
}

bool Spool::superseded() const {
  const auto generations = list_folder(folder_.substr(0, folder_.rfind('/')));
  return generations && std::any_of(generations->begin(),
                                    generations->end(),
                                    [own = generation()](const std::string& name) {
                                      return generation_number(name).value_or(0) > own;
                                    });
}

void Spool::remove_record(const RecordName& name) const {
  ::unlink(path(format_record_name(name)).c_str());
}

void Spool::remove_capture(const std::string& name) const {
  ::unlink(path(name).c_str());
}

Result<void> write_all(int fd, std::string_view bytes, std::string_view object) {
  while (!bytes.empty()) {
    const ssize_t size = ::write(fd, bytes.data(), bytes.size());
    if (size < 0 && errno != EINTR) {
      return errno_failure("write", object);
    }
    bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  }
  return {};
}

Result<std::string> read_all(int fd, std::size_t limit, std::string_view object) {
  struct stat info = {};
  if (::fstat(fd, &info) != 0) {
    return errno_failure("stat", object);
  }
  if (static_cast<std::size_t>(info.st_size) > limit) {
    return fail(fmt::format("{} is too large: {} bytes", object, info.st_size));
  }
  std::string text(static_cast<std::size_t>(info.st_size), '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t size =
        ::pread(fd, text.data() + filled, text.size() - filled, static_cast<off_t>(filled));
    if (size < 0 && errno != EINTR) {
      return errno_failure("read", object);
    }
    if (size == 0) {
      return fail(fmt::format("{} ended early", object));
    }
    filled += static_cast<std::size_t>(std::max<ssize_t>(size, 0));
  }
  return text;
}

}  // namespace postlude
