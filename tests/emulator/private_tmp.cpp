#include "tests/emulator/private_tmp.h"

#include "common/unique_fd.h"
#include "tests/emulator/write_all.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

namespace postlude::emulator {
namespace {

struct KeptFolder {
  std::string path;
  UniqueFd folder;
};

tl::unexpected<Error> not_permitted(const std::string& step, int error_number) {
  const Error cause = errno_error("private /tmp", step, error_number);
  return fail(cause.message + " (it needs root or unprivileged user namespaces)");
}

void write_file(const char* path, const std::string& text) {
  const UniqueFd file(::open(path, O_WRONLY | O_CLOEXEC));
  if (file) {
    write_all(file.get(), text);
  }
}

Result<void> new_namespaces() {
  const uid_t user = ::geteuid();
  const gid_t group = ::getegid();
  const bool root = user == 0;
  if (::unshare(root ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0) {
    return not_permitted("unshare", errno);
  }
  if (!root) {
    write_file("/proc/self/setgroups", "deny");
    write_file("/proc/self/uid_map", fmt::format("{} {} 1", user, user));
    write_file("/proc/self/gid_map", fmt::format("{} {} 1", group, group));
  }
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return not_permitted("make mounts private", errno);
  }
  return {};
}

/// What the bind over /tmp would hide.
std::vector<KeptFolder> open_folders_below_tmp(const std::vector<std::string>& arguments) {
  std::vector<KeptFolder> kept;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    if (arguments[i].starts_with("/tmp/")) {
      kept.push_back(
          {arguments[i], UniqueFd(::open(arguments[i].c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC))});
    }
  }
  return kept;
}

Result<void> bind_again(const KeptFolder& kept) {
  std::error_code error;
  std::filesystem::create_directories(kept.path, error);
  const std::string source = fmt::format("/proc/self/fd/{}", kept.folder.get());
  if (!kept.folder || ::mount(source.c_str(), kept.path.c_str(), nullptr, MS_BIND, nullptr) != 0) {
    return not_permitted("bind " + kept.path, errno);
  }
  if (::mount(nullptr, kept.path.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) !=
      0) {
    return not_permitted("make read-only " + kept.path, errno);
  }
  return {};
}

}  // namespace

Result<void> enter_private_tmp(const std::vector<std::string>& arguments) {
  if (auto entered = new_namespaces(); !entered) {
    return entered;
  }
  // Opened in the new namespace: mounts of another one cannot be bound.
  const auto kept = open_folders_below_tmp(arguments);
  if (::mount(arguments.front().c_str(), "/tmp", nullptr, MS_BIND, nullptr) != 0) {
    return not_permitted("bind " + arguments.front(), errno);
  }
  for (const KeptFolder& folder : kept) {
    if (auto bound = bind_again(folder); !bound) {
      return bound;
    }
  }
  return {};
}

}  // namespace postlude::emulator
