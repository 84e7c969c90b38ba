#include "tests/emulator/process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace postlude::emulator {
namespace {

constexpr int kRescanMs = 1;
constexpr std::chrono::milliseconds kDying{50};

struct Stat {
  std::string name;
  char state = '?';
  pid_t parent = 0;
};

std::optional<Stat> read_stat(const std::string& path) {
  std::array<char, 1024> buffer{};
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return std::nullopt;
  }
  const ssize_t got = ::read(fd, buffer.data(), buffer.size());
  ::close(fd);
  const std::string_view text(buffer.data(), static_cast<std::size_t>(got > 0 ? got : 0));
  // "pid (name) S ppid ...", where the name may hold anything, parentheses too.
  const std::size_t open = text.find('(');
  const std::size_t close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos ||
      close + 4 >= text.size()) {
    return std::nullopt;
  }
  Stat stat{std::string(text.substr(open + 1, close - open - 1)), text[close + 2], 0};
  const std::string_view rest = text.substr(close + 4);
  std::from_chars(rest.data(), rest.data() + rest.size(), stat.parent);
  return stat;
}

void for_each_number(const std::string& folder, const std::function<void(pid_t)>& visit) {
  const std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(folder.c_str()), ::closedir);
  if (!open) {
    return;
  }
  // One thread reads this directory stream.
  while (const dirent* entry = ::readdir(open.get())) {  // NOLINT(concurrency-mt-unsafe)
    const std::string_view name(entry->d_name);
    pid_t number = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), number);
    if (parsed.ec == std::errc{} && parsed.ptr == name.data() + name.size()) {
      visit(number);
    }
  }
}

bool gone(char state) {
  return state == 'Z' || state == 'X';
}

bool all_threads_stopped(pid_t pid) {
  bool stopped = true;
  const std::string folder = "/proc/" + std::to_string(pid) + "/task";
  for_each_number(folder, [&](pid_t thread) {
    const auto stat = read_stat(folder + "/" + std::to_string(thread) + "/stat");
    if (stat && stat->state != 'T' && stat->state != 't' && !gone(stat->state)) {
      stopped = false;
    }
  });
  return stopped;
}

void reap_adopted() {
  // Only the ones that a kill of everything leaves; nobody asks for their status any more.
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
}

}  // namespace

std::vector<ProcessInfo> descendants(pid_t ancestor) {
  std::unordered_map<pid_t, std::vector<ProcessInfo>> children;
  std::unordered_set<pid_t> zombies;
  for_each_number("/proc", [&](pid_t pid) {
    if (auto stat = read_stat("/proc/" + std::to_string(pid) + "/stat")) {
      if (gone(stat->state)) {
        zombies.insert(pid);
      }
      children[stat->parent].push_back({pid, std::move(stat->name)});
    }
  });
  std::vector<ProcessInfo> found;
  std::vector<pid_t> todo{ancestor};
  while (!todo.empty()) {
    const pid_t parent = todo.back();
    todo.pop_back();
    for (const ProcessInfo& child : children[parent]) {
      todo.push_back(child.pid);
      if (!zombies.contains(child.pid)) {
        found.push_back(child);
      }
    }
  }
  return found;
}

FreezeResult freeze_descendants(pid_t ancestor, std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  std::unordered_set<pid_t> signalled;
  FreezeResult result;
  while (true) {
    result.stopped = descendants(ancestor);
    bool news = false;
    for (const ProcessInfo& process : result.stopped) {
      if (signalled.insert(process.pid).second) {
        news = true;
        ::kill(process.pid, SIGSTOP);
      }
    }
    if (!news && std::all_of(result.stopped.begin(), result.stopped.end(), [](const auto& one) {
          return all_threads_stopped(one.pid);
        })) {
      result.complete = true;
      return result;
    }
    if (std::chrono::steady_clock::now() >= end) {
      return result;
    }
    if (!news) {
      ::poll(nullptr, 0, kRescanMs);
    }
  }
}

std::size_t thaw_descendants(pid_t ancestor) {
  const auto all = descendants(ancestor);
  for (const ProcessInfo& process : all) {
    ::kill(process.pid, SIGCONT);
  }
  return all.size();
}

std::vector<ProcessInfo> kill_descendants(pid_t ancestor, std::chrono::milliseconds limit) {
  const auto begin = std::chrono::steady_clock::now();
  const auto end = begin + limit;
  auto first = descendants(ancestor);
  // Killed a moment ago, or about to exit: no leftover, but not scheduled since.
  while (!first.empty() && std::chrono::steady_clock::now() < begin + kDying) {
    ::poll(nullptr, 0, kRescanMs);
    reap_adopted();
    first = descendants(ancestor);
  }
  auto left = first;
  while (!left.empty() && std::chrono::steady_clock::now() < end) {
    for (const ProcessInfo& process : left) {
      ::kill(process.pid, SIGKILL);
    }
    ::poll(nullptr, 0, kRescanMs);
    reap_adopted();
    left = descendants(ancestor);
  }
  reap_adopted();
  return first;
}

}  // namespace postlude::emulator
