#include "tests/roots/root_mounts.h"

#include "common/unique_fd.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <utility>

namespace postlude::testing {
namespace {

constexpr const char* kInterpreters = "/proc/sys/fs/binfmt_misc";

Result<void> write_file(const std::string& path, const std::string& text) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  // One write: the kernel reads these files so.
  if (!file || ::write(file.get(), text.data(), text.size()) < 0) {
    return errno_failure("write", path);
  }
  return {};
}

Result<void> show(const std::string& source, const std::string& target) {
  if (::mount(source.c_str(), target.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) {
    return errno_failure("bind to " + target, source);
  }
  return {};
}

/// What the file system under it forbids already must be forbidden again.
Result<void> make_read_only(const std::string& folder) {
  struct statvfs facts {};
  if (::statvfs(folder.c_str(), &facts) != 0) {
    return errno_failure("statvfs", folder);
  }
  unsigned long flags = MS_REMOUNT | MS_BIND | MS_RDONLY;
  constexpr std::array<std::pair<unsigned long, unsigned long>, 6> kKept{
      {{ST_NOSUID, MS_NOSUID},
       {ST_NODEV, MS_NODEV},
       {ST_NOEXEC, MS_NOEXEC},
       {ST_NOATIME, MS_NOATIME},
       {ST_NODIRATIME, MS_NODIRATIME},
       {ST_RELATIME, MS_RELATIME}}};
  for (const auto& [told, flag] : kKept) {
    flags |= (facts.f_flag & told) != 0 ? flag : 0;
  }
  if (::mount(nullptr, folder.c_str(), nullptr, flags, nullptr) != 0) {
    return errno_failure("make read-only", folder);
  }
  return {};
}

Result<void> bind_devices(const std::string& folder) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string device = "/dev/" + entry.path().filename().string();
    if (auto bound = show(device, entry.path()); !bound) {
      return bound;
    }
  }
  return error ? errno_failure("read", folder, error.value()) : Result<void>{};
}

/// The old root is stacked below the new one and let go: nothing leads to it any more.
Result<void> change_root(const std::string& root) {
  if (::chdir(root.c_str()) != 0 || ::syscall(SYS_pivot_root, ".", ".") != 0 ||
      ::umount2(".", MNT_DETACH) != 0 || ::chdir("/") != 0) {
    return errno_failure("make the root", root);
  }
  return {};
}

/// A system-wide rule whose interpreter was opened when it was made.
bool registered_already(const std::string& name) {
  std::ifstream rule(std::string(kInterpreters) + "/" + name);
  bool enabled = false;
  bool fixed = false;
  for (std::string line; std::getline(rule, line);) {
    enabled = enabled || line == "enabled";
    fixed = fixed || (line.starts_with("flags:") && line.find('F') != std::string::npos);
  }
  return enabled && fixed;
}

}  // namespace

Result<void> new_namespaces(uid_t as) {
  const uid_t user = ::geteuid();
  const gid_t group = ::getegid();
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
    return fail(
        errno_error("unshare", "namespaces").message +
        " (an ordinary user may need: sysctl kernel.unprivileged_userns_clone=1, or on Ubuntu "
        "kernel.apparmor_restrict_unprivileged_userns=0)");
  }
  if (auto done = write_file("/proc/self/setgroups", "deny"); !done) {
    return done;
  }
  if (auto done = write_file("/proc/self/uid_map", fmt::format("{} {} 1", as, user)); !done) {
    return done;
  }
  if (auto done = write_file("/proc/self/gid_map", fmt::format("{} {} 1", as, group)); !done) {
    return done;
  }
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return errno_failure("make private", "mounts");
  }
  return {};
}

Result<void> register_interpreter(const std::string& interpreter, const std::string& rule) {
  const std::string name = rule.substr(1, rule.find(':', 1) - 1);
  if (registered_already(name)) {
    return {};
  }
  if (::access(interpreter.c_str(), X_OK) != 0) {
    return fail(interpreter + " is not there: install qemu-user-static");
  }
  // The file to write to belongs to user 0 of the namespace.
  if (auto done = new_namespaces(0); !done) {
    return done;
  }
  if (::mount("binfmt_misc", kInterpreters, "binfmt_misc", 0, nullptr) == 0) {
    return write_file(std::string(kInterpreters) + "/register", rule + interpreter + ":F");
  }
  return fail(errno_error("mount", kInterpreters).message +
              ": programs of the other processor cannot run here. Linux 6.7 lets every user "
              "namespace have its "
              "own interpreters; on an older one root can register qemu for the whole machine: "
              "apt-get install "
              "qemu-user-static binfmt-support (and on a kernel with binfmt_misc as a module: "
              "modprobe binfmt_misc)");
}

Result<void> mount_root(const std::string& root) {
  if (auto bound = show(root, root); !bound) {
    return bound;
  }
  if (auto bound = show(root + "/tmp", root + "/tmp"); !bound) {
    return bound;
  }
  if (auto bound = show("/proc", root + "/proc"); !bound) {
    return bound;
  }
  if (auto bound = bind_devices(root + "/dev"); !bound) {
    return bound;
  }
  if (auto done = make_read_only(root); !done) {
    return done;
  }
  return change_root(root);
}

}  // namespace postlude::testing
