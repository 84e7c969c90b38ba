#include "common/process_tree.h"

#include "common/unique_fd.h"

#include <fmt/format.h>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <memory>

namespace postlude {
namespace {

/// Lambda allows 4 KiB of variables; elsewhere an environment can be as large as the kernel lets
/// it.
constexpr std::size_t kMostProcBytes = std::size_t{4} << 20;

}  // namespace

std::optional<std::string> read_proc(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    return std::nullopt;
  }
  std::string text;
  std::array<char, 4096> buffer;
  while (text.size() < kMostProcBytes) {
    const ssize_t size = ::read(fd.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) {
      continue;
    }
    if (size <= 0) {
      break;
    }
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  return text;
}

namespace {

pid_t number_of(std::string_view text) {
  pid_t value = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  return parsed.ec == std::errc{} && parsed.ptr == end ? value : 0;
}

/// The entries of a folder that are numbers.
std::vector<pid_t> numbers_in(const std::string& folder) {
  std::vector<pid_t> numbers;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(folder.c_str()), &::closedir);
  if (!entries) {
    return numbers;
  }
  // NOLINTNEXTLINE(concurrency-mt-unsafe): each stream is read by one thread
  while (const dirent* entry = ::readdir(entries.get())) {
    if (const pid_t number = number_of(&entry->d_name[0]); number > 0) {
      numbers.push_back(number);
    }
  }
  return numbers;
}

void append_numbers(std::string_view list, std::vector<pid_t>& numbers) {
  while (!list.empty()) {
    const std::size_t space = std::min(list.find(' '), list.size());
    if (const pid_t number = number_of(list.substr(0, space)); number > 0) {
      numbers.push_back(number);
    }
    list.remove_prefix(std::min(space + 1, list.size()));
  }
}

/// "12 (a name (with) anything) S 7 ...": the parent is the second field behind the last bracket.
pid_t parent_in(std::string_view stat) {
  const std::size_t bracket = stat.rfind(')');
  constexpr std::size_t kParentAt = 4;  // behind ") S "
  if (bracket == std::string_view::npos || stat.size() <= bracket + kParentAt) {
    return 0;
  }
  stat.remove_prefix(bracket + kParentAt);
  return number_of(stat.substr(0, stat.find(' ')));
}

/// 0 for the first process, and for one whose parent is in another namespace.
std::optional<pid_t> parent_of(pid_t process) {
  const auto stat = read_proc(fmt::format("/proc/{}/stat", process));
  return stat ? std::optional(parent_in(*stat)) : std::nullopt;
}

/// For kernels without CONFIG_PROC_CHILDREN.
std::vector<pid_t> children_by_scan(pid_t parent) {
  std::vector<pid_t> children;
  for (const pid_t process : numbers_in("/proc")) {
    if (parent_of(process) == parent) {
      children.push_back(process);
    }
  }
  return children;
}

}  // namespace

std::vector<pid_t> all_processes() {
  return numbers_in("/proc");
}

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> children;
  const std::string threads = fmt::format("/proc/{}/task", parent);
  for (const pid_t thread : numbers_in(threads)) {
    const auto list = read_proc(fmt::format("{}/{}/children", threads, thread));
    if (!list && ::access(fmt::format("{}/{}", threads, thread).c_str(), F_OK) == 0) {
      return children_by_scan(parent);
    }
    append_numbers(list.value_or(std::string()), children);
  }
  return children;
}

std::optional<bool> descends_from(pid_t process, pid_t ancestor) {
  std::optional<pid_t> parent = parent_of(process);
  if (!parent) {
    return false;
  }
  pid_t here = process;
  while (here != ancestor && parent && *parent > 0) {
    here = *parent;
    parent = parent_of(here);
  }
  return here == ancestor || parent ? std::optional(here == ancestor) : std::nullopt;
}

std::optional<std::string> initial_variable(pid_t process, std::string_view name) {
  const auto block = read_proc(fmt::format("/proc/{}/environ", process));
  if (!block) {
    return std::nullopt;
  }
  for (std::string_view rest = *block; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\0'), rest.size());
    const std::string_view entry = rest.substr(0, end);
    if (entry.size() > name.size() && entry[name.size()] == '=' && entry.starts_with(name)) {
      return std::string(entry.substr(name.size() + 1));
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return std::nullopt;
}

}  // namespace postlude
