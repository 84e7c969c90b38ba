#include "tests/emulator/outside_sockets.h"

#include "common/unique_fd.h"
#include "tests/emulator/process_tree.h"
#include "tests/emulator/tcp_table.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>
#include <unordered_map>
#include <unordered_set>

namespace postlude::emulator {
namespace {

/// Some process's descriptor of a socket; one is as good as another.
struct Holder {
  pid_t pid = 0;
  int fd = -1;
};

/// "socket:[4711]"
std::optional<ino_t> socket_inode(const std::string& link) {
  constexpr std::string_view kPrefix = "socket:[";
  ino_t inode = 0;
  if (!link.starts_with(kPrefix)) {
    return std::nullopt;
  }
  const char* const begin = link.data() + kPrefix.size();
  const auto parsed = std::from_chars(begin, link.data() + link.size(), inode);
  return parsed.ec == std::errc{} ? std::optional(inode) : std::nullopt;
}

std::unordered_map<ino_t, Holder> sockets_of(const std::vector<ProcessInfo>& processes) {
  std::unordered_map<ino_t, Holder> holders;
  for (const ProcessInfo& process : processes) {
    std::error_code error;
    const std::string folder = "/proc/" + std::to_string(process.pid) + "/fd";
    for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error)) {
      std::error_code closed;
      const std::string name = entry->path().filename().string();
      const auto inode =
          socket_inode(std::filesystem::read_symlink(entry->path(), closed).string());
      Holder holder{process.pid, -1};
      std::from_chars(name.data(), name.data() + name.size(), holder.fd);
      if (inode && holder.fd >= 0) {
        holders.emplace(*inode, holder);
      }
    }
  }
  return holders;
}

std::vector<TcpSocket> tcp_table() {
  std::ostringstream text;
  for (const char* const path : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream file(path);
    std::string line;
    while (std::getline(file, line)) {
      text << line << '\n';
    }
  }
  return parse_tcp_table(text.str());
}

bool reset(const Holder& holder) {
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, holder.pid, 0)));
  const UniqueFd socket(static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), holder.fd, 0)));
  sockaddr nowhere{};
  nowhere.sa_family = AF_UNSPEC;
  return socket && ::connect(socket.get(), &nowhere, sizeof nowhere) == 0;
}

}  // namespace

DroppedConnections drop_outside_connections(pid_t ancestor, std::uint16_t api_port) {
  const auto holders = sockets_of(descendants(ancestor));
  std::unordered_set<ino_t> own;
  for (const auto& [inode, holder] : holders) {
    own.insert(inode);
  }
  DroppedConnections dropped{.connections = 0, .complete = true};
  for (const ino_t inode : outside_connections(tcp_table(), own, api_port)) {
    const bool done = reset(holders.at(inode));
    dropped.connections += done ? 1 : 0;
    dropped.complete = dropped.complete && done;
  }
  return dropped;
}

}  // namespace postlude::emulator
