#include "common/spool_files.h"

#include <fmt/format.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>

namespace postlude {
namespace spool_files {
namespace {

constexpr mode_t kFolderMode = 0700;
constexpr mode_t kFileMode = 0600;

using Folder = std::unique_ptr<DIR, int (*)(DIR*)>;

Folder open_folder(const std::string& path) {
  return {::opendir(path.c_str()), &::closedir};
}

const dirent* next_entry(const Folder& folder) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): each stream is read by one thread
  return ::readdir(folder.get());
}

Kind kind_of(mode_t mode) {
  if (S_ISREG(mode)) {
    return Kind::file;
  }
  return S_ISDIR(mode) ? Kind::folder : Kind::other;
}

Result<About> look_at(const std::string& path, int flags) {
  struct stat info = {};
  if (::fstatat(AT_FDCWD, path.c_str(), &info, flags) != 0) {
    return errno_failure("look at", path);
  }
  return About{kind_of(info.st_mode), info.st_uid};
}

/// Some file systems do not tell the kind in a listing.
Kind kind_of(const Folder& folder, const dirent& entry) {
  if (entry.d_type == DT_UNKNOWN) {
    struct stat info = {};
    const bool known =
        ::fstatat(::dirfd(folder.get()), &entry.d_name[0], &info, AT_SYMLINK_NOFOLLOW) == 0;
    return known ? kind_of(info.st_mode) : Kind::other;
  }
  if (entry.d_type == DT_REG) {
    return Kind::file;
  }
  return entry.d_type == DT_DIR ? Kind::folder : Kind::other;
}

}  // namespace

Result<std::vector<Entry>> list(const std::string& folder) {
  const Folder entries = open_folder(folder);
  if (!entries) {
    return errno_failure("open folder", folder);
  }
  std::vector<Entry> found;
  while (const dirent* entry = next_entry(entries)) {
    const std::string_view name(&entry->d_name[0]);
    if (name != "." && name != "..") {
      found.push_back({std::string(name), kind_of(entries, *entry)});
    }
  }
  return found;
}

Result<About> look(const std::string& path) {
  return look_at(path, AT_SYMLINK_NOFOLLOW);
}

Result<About> look_through(const std::string& path) {
  return look_at(path, 0);
}

Result<Usage> measure(const std::string& folder) {
  const Folder entries = open_folder(folder);
  if (!entries) {
    return errno_failure("open folder", folder);
  }
  Usage usage;
  while (const dirent* entry = next_entry(entries)) {
    struct stat info = {};
    const int at = ::dirfd(entries.get());
    // What is gone by now takes no room.
    if (::fstatat(at, &entry->d_name[0], &info, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(info.st_mode)) {
      ++usage.files;
      usage.bytes += static_cast<std::uint64_t>(info.st_size);
    }
  }
  return usage;
}

Result<void> make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), kFolderMode) != 0) {
    return errno_failure("make folder", path);
  }
  return {};
}

Result<void> remove_folder(const std::string& path) {
  if (::rmdir(path.c_str()) != 0) {
    return errno_failure("remove folder", path);
  }
  return {};
}

Result<UniqueFd> create(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kFileMode));
  if (!fd) {
    return errno_failure("create", path);
  }
  return fd;
}

Result<UniqueFd> open(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd) {
    return errno_failure("open", path);
  }
  return fd;
}

Result<void> rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    return errno_failure("rename", from);
  }
  return {};
}

Result<void> remove(const std::string& path) {
  if (::unlink(path.c_str()) != 0) {
    return errno_failure("remove", path);
  }
  return {};
}

uid_t own_user() {
  return ::geteuid();
}

}  // namespace spool_files

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
