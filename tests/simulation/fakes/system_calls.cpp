// The linker puts these between our code and the C library (--wrap). Files below the simulated
// folder are real, but writing them can fail, and a process that has died changes nothing any more.
#include "tests/simulation/simulation.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <random>
#include <string_view>

using postlude::simulation::Disk;
using postlude::simulation::is_simulated;
using postlude::simulation::Process;
using postlude::simulation::Simulation;
using postlude::simulation::World;

namespace {

/// A sanitizer's runtime comes by here before anything else of the program is ready.
bool watching = false;

/// Our own code runs, not the simulator's.
Process* running() {
  return watching && Simulation::exists() ? World::current().running() : nullptr;
}

bool on_disk(const char* path) {
  return running() != nullptr && Simulation::current().disk().holds(path);
}

/// 0, or why this name cannot be changed.
int trouble_with_names() {
  return Simulation::current().disk().state() == Disk::State::read_only ? EROFS : 0;
}

/// 0, or why nothing new fits.
int trouble_with_space() {
  return Simulation::current().disk().state() == Disk::State::full ? ENOSPC : trouble_with_names();
}

int failed(int error_number) {
  errno = error_number;
  return -1;
}

}  // namespace

void postlude::simulation::watch_system_calls() {
  watching = true;
}

// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,readability-identifier-naming)
extern "C" {

int __real_poll(pollfd* entries, nfds_t count, int timeout);
int __real_open(const char* path, int flags, ...);
int __real_mkdir(const char* path, mode_t mode);
int __real_rmdir(const char* path);
int __real_rename(const char* from, const char* to);
int __real_unlink(const char* path);
int __real_close(int descriptor);
ssize_t __real_write(int descriptor, const void* bytes, size_t size);

__attribute__((no_sanitize("address", "undefined"))) int __wrap_poll(pollfd* entries,
                                                                     nfds_t count,
                                                                     int timeout) {
  if (!watching || running() == nullptr) {
    return __real_poll(entries, count, timeout);
  }
  return World::current().running()->poll(entries, count, timeout);
}

__attribute__((no_sanitize("address", "undefined"))) int __wrap_open(const char* path,
                                                                     int flags,
                                                                     ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0) {
    va_list rest;
    va_start(rest, flags);
    mode = va_arg(rest, mode_t);
    va_end(rest);
  }
  const bool creates = (flags & (O_CREAT | O_TRUNC)) != 0;
  if (!watching || !on_disk(path) || !creates) {
    return __real_open(path, flags, mode);
  }
  if (!running()->acts()) {
    return __real_open("/dev/null", O_RDWR | O_CLOEXEC, 0);
  }
  if (const int trouble = trouble_with_space(); trouble != 0) {
    return failed(trouble);
  }
  const int descriptor = __real_open(path, flags, mode);
  if (descriptor >= 0) {
    Simulation::current().disk().opened(descriptor);
  }
  return descriptor;
}

__attribute__((no_sanitize("address", "undefined"))) int __wrap_mkdir(const char* path,
                                                                      mode_t mode) {
  if (!watching || !on_disk(path)) {
    return __real_mkdir(path, mode);
  }
  if (!running()->acts()) {
    return 0;
  }
  const int trouble = ::access(path, F_OK) == 0 ? 0 : trouble_with_space();
  return trouble == 0 ? __real_mkdir(path, mode) : failed(trouble);
}

__attribute__((no_sanitize("address", "undefined"))) int __wrap_rmdir(const char* path) {
  if (!watching || !on_disk(path)) {
    return __real_rmdir(path);
  }
  if (!running()->acts()) {
    return 0;
  }
  const int trouble = trouble_with_names();
  return trouble == 0 ? __real_rmdir(path) : failed(trouble);
}

__attribute__((no_sanitize("address", "undefined"))) int __wrap_rename(const char* from,
                                                                       const char* to) {
  if (!watching || !on_disk(from)) {
    return __real_rename(from, to);
  }
  if (!running()->acts()) {
    return 0;
  }
  if (const int trouble = trouble_with_names(); trouble != 0) {
    return failed(trouble);
  }
  const int result = __real_rename(from, to);
  if (result == 0) {
    Simulation::current().disk().renamed(from, to);
  }
  return result;
}

__attribute__((no_sanitize("address", "undefined"))) int __wrap_unlink(const char* path) {
  if (!watching || !on_disk(path)) {
    return __real_unlink(path);
  }
  if (!running()->acts()) {
    return 0;
  }
  if (const int trouble = trouble_with_names(); trouble != 0) {
    return failed(trouble);
  }
  const int result = __real_unlink(path);
  if (result == 0) {
    Simulation::current().disk().unlinked(path);
  }
  return result;
}

__attribute__((no_sanitize("address", "undefined"))) int __wrap_close(int descriptor) {
  if (!watching) {
    return __real_close(descriptor);
  }
  if (is_simulated(descriptor)) {
    if (Simulation::exists()) {
      World::current().descriptors().close(descriptor);
    }
    return 0;
  }
  if (Simulation::exists()) {
    Simulation::current().disk().closed(descriptor);
  }
  return __real_close(descriptor);
}

__attribute__((no_sanitize("address", "undefined"))) ssize_t __wrap_write(int descriptor,
                                                                          const void* bytes,
                                                                          size_t size) {
  if (!watching || running() == nullptr) {
    return __real_write(descriptor, bytes, size);
  }
  if (descriptor == STDOUT_FILENO) {
    Simulation::current().log_line({static_cast<const char*>(bytes), size});
    return static_cast<ssize_t>(size);
  }
  if (!Simulation::current().disk().is_open(descriptor)) {
    return __real_write(descriptor, bytes, size);
  }
  if (!running()->acts()) {
    return static_cast<ssize_t>(size);
  }
  if (const int trouble = trouble_with_space(); trouble == ENOSPC) {
    return failed(trouble);
  }
  auto& chance = World::current().chance();
  if (size > 1 && chance.percent(2)) {
    return chance.percent(50) ? failed(EINTR)
                              : __real_write(descriptor, bytes, 1 + chance.below(size - 1));
  }
  return __real_write(descriptor, bytes, size);
}

/// std::random_device: the seed decides.
unsigned __wrap__ZNSt13random_device9_M_getvalEv(std::random_device* /*self*/) {
  return static_cast<unsigned>(World::current().chance().next());
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,readability-identifier-naming)
