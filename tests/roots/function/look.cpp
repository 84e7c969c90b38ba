#include "tests/roots/function/look.h"

#include "common/unique_fd.h"
#include "tests/roots/function/serve.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

namespace postlude::testing {
namespace {

void look_at_user() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("CapEff:")) {
      say("look: user " + std::to_string(::geteuid()) + " rights " +
          line.substr(line.find('\t') + 1));
    }
  }
}

void look_at_limits() {
  rlimit descriptors{};
  rlimit data{};
  ::getrlimit(RLIMIT_NOFILE, &descriptors);
  ::getrlimit(RLIMIT_DATA, &data);
  say("look: descriptors " + std::to_string(descriptors.rlim_max) + " data " +
      (data.rlim_max == RLIM_INFINITY ? "any" : std::to_string(data.rlim_max)));
}

void look_at_root() {
  std::error_code error;
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator("/", error)) {
    names.insert(entry.path().filename());
  }
  std::string line = "look: root";
  for (const std::string& name : names) {
    line += " " + name;
  }
  say(line);
}

void look_for_writable_places() {
  std::string line = "look: writable";
  for (const char* folder :
       {"/", "/opt/", "/opt/libexec/", "/var/task/", "/etc/", "/dev/", "/tmp/"}) {
    const std::string file = std::string(folder) + "written-by-look";
    const UniqueFd created(::open(file.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    if (created) {
      line += std::string(" ") + folder;
      ::unlink(file.c_str());
    } else if (errno != EROFS) {
      line += std::string(" (") + folder + ": " + ::strerrordesc_np(errno) + ")";
    }
  }
  say(line);
}

void look_for_calls() {
  constexpr long kPidfdOpen = 434;  // Linux 5.3
  const UniqueFd process(static_cast<int>(::syscall(kPidfdOpen, ::getpid(), 0)));
  say(std::string("look: pidfd_open ") + (process ? "works" : ::strerrordesc_np(errno)));
}

}  // namespace

void look() {
  look_at_user();
  look_at_limits();
  look_at_root();
  look_for_writable_places();
  look_for_calls();
}

}  // namespace postlude::testing
